import Foundation

/// The line that tells how far a run is, as pure functions from values to text.
public struct ProgressLine: Sendable, Equatable {
    public var epoch: Int
    /// Optimiser steps done.
    public var step: Int
    /// Nil for a run without end.
    public var totalSteps: Int?
    public var loss: Double?
    public var samplesPerSecond: Double?
    /// What the arithmetic reaches of the best rate of products on this machine, 0 to 1.
    public var ceilingShare: Double?
    /// The share of time spent waiting for data, 0 to 1.
    public var waitingShare: Double?
    /// Seconds.
    public var timeToGo: Double?

    public init(
        epoch: Int, step: Int, totalSteps: Int? = nil, loss: Double? = nil, samplesPerSecond: Double? = nil,
        ceilingShare: Double? = nil, waitingShare: Double? = nil, timeToGo: Double? = nil
    ) {
        self.epoch = epoch
        self.step = step
        self.totalSteps = totalSteps
        self.loss = loss
        self.samplesPerSecond = samplesPerSecond
        self.ceilingShare = ceilingShare
        self.waitingShare = waitingShare
        self.timeToGo = timeToGo
    }

    /// The line of a log file: the same fields as on a terminal, without a bar.
    public var plain: String { ([position] + fields).joined(separator: "  ") }

    /// The line of a terminal `width` columns wide: with a bar where 10 columns are left for it, never longer than the
    /// terminal.
    public func live(width: Int, usesColor: Bool) -> String {
        // A full last column makes some terminals wrap.
        let room = max(0, width - 1)
        let text = ([position] + fields).joined(separator: "  ")
        guard text.count <= room else { return String(text.prefix(room)) }
        // "[", "]" and a space.
        let barRoom = min(30, room - text.count - 3)
        guard let totalSteps, totalSteps > 0, barRoom >= 10 else { return text }
        let done = min(barRoom, Int(Double(barRoom) * Double(max(0, step)) / Double(totalSteps)))
        let filled = String(repeating: "=", count: done)
        let bar = filled + String(repeating: " ", count: barRoom - done)
        return "[" + (usesColor ? "\u{1B}[32m\(bar)\u{1B}[0m" : bar) + "] " + text
    }

    /// Of several lines of a terminal the one with the bar: where the run is, and how long it takes.
    func bar(width: Int, usesColor: Bool) -> String {
        var line = ProgressLine(epoch: epoch, step: step, totalSteps: totalSteps)
        line.timeToGo = timeToGo
        return line.live(width: width, usesColor: usesColor)
    }

    /// And the one that says how fast it is.
    var speed: String {
        var line = self
        (line.loss, line.timeToGo) = (nil, nil)
        return line.fields.joined(separator: "  ")
    }

    private var position: String {
        guard let totalSteps, totalSteps > 0 else { return "epoch \(epoch)  step \(step)" }
        let percent = Int(100 * Double(step) / Double(totalSteps))
        return "epoch \(epoch)  step \(step)/\(totalSteps) (\(percent)%)"
    }

    private var fields: [String] {
        [
            loss.map { "loss \(Self.significant($0))" },
            samplesPerSecond.map { "\(Self.rate($0)) samples/s" },
            ceilingShare.map { "\(Int(($0 * 100).rounded()))% of peak" },
            waitingShare.map { "data \(Int(($0 * 100).rounded()))%" },
            timeToGo.map { "ETA \(Self.duration($0))" },
        ].compactMap { $0 }
    }

    /// Four significant digits.
    static func significant(_ value: Double) -> String { String(format: "%.4g", value) }

    static func rate(_ value: Double) -> String { String(format: value < 10 ? "%.2f" : "%.0f", value) }

    /// `MM:SS`, `H:MM:SS` or `Nd HH:MM:SS`.
    public static func duration(_ seconds: Double) -> String {
        // A million days is beyond any run; the bound keeps the conversion from trapping.
        let whole = Int(min(max(seconds.isNaN ? 0 : seconds, 0), 86_400_000_000).rounded())
        let (days, hours) = (whole / 86_400, whole / 3_600 % 24)
        let tail = String(format: "%02d:%02d", whole / 60 % 60, whole % 60)
        if days > 0 { return "\(days)d " + String(format: "%02d:", hours) + tail }
        return hours > 0 ? "\(hours):" + tail : tail
    }
}
