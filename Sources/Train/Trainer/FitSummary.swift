import Foundation
import LAMData
import Loggers
import Reports

/// What a run came to.
public struct FitSummary: Sendable {
    /// Since the run began, before a resume, too.
    public var steps: Int
    /// Those of this process.
    public var ownSteps: Int
    public var firstLoss: Double?
    public var lastLoss: Double?
    public var seconds: Double
    public var checkpoint: String?
    /// How the records of the run are looked at; none without loggers.
    public var readings: [LogReading]
    /// The signal that ended the run early.
    public var signal: Int32?
    /// On held-out episodes where there are any, else on some pairs of the training episodes.
    public var report: EvaluationReport?
    /// Where the run lies among reference runs; nil without held-out episodes, or without a reference.
    public var reference: String?
    /// Largest resident set of the process, in bytes.
    public var peakResidentBytes = StreamBenchmark.peakResidentBytes()
    /// Folder of the contact sheets.
    public var contactSheets: String?

    /// The closing lines of `lam fit`.
    public var text: String {
        var lines = [
            "\(ownSteps) step\(ownSteps == 1 ? "" : "s") in \(ProgressLine.duration(seconds))"
                + (ownSteps == steps ? "" : ", \(steps) since the run began")
        ]
        if let firstLoss, let lastLoss {
            lines.append("loss            \(firstLoss.formatted4) -> \(lastLoss.formatted4)")
        }
        if let evaluation = report?.evaluation {
            let pairs = report?.isHeldOut == true ? "held-out pairs" : "training pairs"
            lines.append(
                "reconstruction  mse \(evaluation.losses.reconstruction.formatted4), \(evaluation.errorShare.formatted4) of the "
                    + "\"nothing changed\" baseline (\(evaluation.copyBaseline.formatted4)), \(evaluation.samples) \(pairs)"
            )
            if let codes = evaluation.codesInUse {
                lines.append("codes           \(codes) in use" + evaluation.unprovenRemark)
            }
            if let dimensions = evaluation.activeDimensions {
                lines.append("latents         \(dimensions) dimensions active")
            }
        }
        lines.append("memory          \(peakResidentBytes >> 20) MiB at the peak")
        if let checkpoint { lines.append("checkpoint      \(checkpoint)") }
        for reading in readings {
            lines.append(reading.reader.padding(toLength: 16, withPad: " ", startingAt: 0) + reading.what)
        }
        if let contactSheets {
            let name = report?.evaluation.codesInUse == nil ? "neighbours" : "code"
            lines.append("contact sheets  \(ShownPath(contactSheets))/\(name)_*.png")
        }
        if let reference { lines.append(reference) }
        if let verdict = report?.verdictText, !verdict.isEmpty { lines.append(verdict) }
        return lines.joined(separator: "\n")
    }
}
