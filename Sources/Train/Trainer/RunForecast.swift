import Formats
import Foundation
import LAM
import NN

/// What the first step tells of a run: how long it will take, until when, and what it needs of the machine.
struct RunForecast {
    let secondsOfStep: Double
    /// Nil for a run without end.
    let secondsToGo: Double?
    let residentBytes: Int
    /// Nil of a run that keeps none.
    let checkpointBytes: Int?
    var now = Date()

    /// `first step in 0.92 s; about 12:15 to go, until 14:05; memory 357 MiB, a checkpoint about 12 MiB`.
    var text: String {
        var parts = [String(format: "first step in %.2f s", secondsOfStep)]
        if let secondsToGo {
            parts.append("about \(ProgressLine.duration(secondsToGo)) to go, until \(end(secondsToGo))")
        }
        parts.append(
            "memory \(residentBytes >> 20) MiB"
                + (checkpointBytes.map { ", a checkpoint about \(max(1, $0 >> 20)) MiB" } ?? ""))
        return parts.joined(separator: "; ")
    }

    /// The time of day, with the date where it is another day.
    private func end(_ seconds: Double) -> String {
        // No run takes more than a century.
        let end = now.addingTimeInterval(min(max(seconds, 0), 3e9))
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.dateFormat = Calendar.current.isDate(end, inSameDayAs: now) ? "HH:mm" : "yyyy-MM-dd HH:mm"
        return format.string(from: end)
    }
}

extension TrainingRun {
    /// What a checkpoint takes on disk, about: each parameter with its two moments, and its mean where one is kept, and the
    /// frozen encoders where they are kept.
    package var checkpointBytes: Int {
        let frozen = Array(encoders.checkpointed.vision.values) + Array(encoders.checkpointed.text.values)
        return module.store.trainableCount * (averaging == nil ? 12 : 16) + frozen.reduce(0) { $0 + $1.byteCount }
    }
}
