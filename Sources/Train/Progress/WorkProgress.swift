/// Says now and then how far a long piece of work is, in lines that a log file can keep.
///
/// The first line comes when somebody may begin to wonder, the next ones after twice as long each, but at least once in a minute.
public struct WorkProgress {
    /// Seconds before the first line, and at most between two.
    package static let patience = 3.0
    package static let longestSilence = 60.0

    private let what: String
    private let total: Int
    private let unit: String
    private let started = ContinuousClock.now
    private var done = 0
    private var nextLine = patience

    /// - Parameters:
    ///   - what: the work, for example "evaluating".
    ///   - total: the parts that it has; `unit` says of what.
    public init(_ what: String, total: Int, of unit: String) {
        (self.what, self.total, self.unit) = (what, total, unit)
    }

    /// Counts parts that are done.
    ///
    /// - Returns: a line, where it is time for one: `evaluating: 320 of 1280 held-out pairs, about 00:09 to go`.
    public mutating func add(_ parts: Int) -> String? {
        add(parts, atSecond: (ContinuousClock.now - started) / .seconds(1))
    }

    /// - Parameter second: since the beginning.
    package mutating func add(_ parts: Int, atSecond second: Double) -> String? {
        done = min(total, done + parts)
        guard second >= nextLine, done > 0, done < total else { return nil }
        nextLine = second + min(second, Self.longestSilence)
        return text(atSecond: second)
    }

    /// The line as it is now, whether it is time for one or not.
    public var text: String { text(atSecond: (ContinuousClock.now - started) / .seconds(1)) }

    private func text(atSecond second: Double) -> String {
        let rest = done > 0 ? second * Double(total - done) / Double(done) : nil
        return "\(what): \(done) of \(total) \(unit)"
            + (rest.map { ", about \(ProgressLine.duration($0)) to go" } ?? "")
    }
}
