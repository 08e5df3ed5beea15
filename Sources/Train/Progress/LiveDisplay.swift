/// A run on a terminal: the bar, the speed, the loss as a curve of block characters, and the codes in use, a line each,
/// drawn over what was drawn before.
struct LiveDisplay {
    /// Losses that the curve is made of: means over ever longer stretches, so that it always shows the whole run.
    private var losses: [Double] = []
    private var stretch = 1
    private var sum = 0.0
    private var count = 0
    private var codes: (live: Int, all: Int)?
    /// Lines on the terminal, the cursor being on the last.
    private var drawn = 0

    /// Bars of the curve at most.
    private static let largestCurve = 120
    private static let blocks: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]

    /// Takes a step's values.
    mutating func add(loss: Double, codes: (live: Int, all: Int)?) {
        self.codes = codes
        guard loss.isFinite else { return }
        sum += loss
        count += 1
        guard count == stretch else { return }
        losses.append(sum / Double(count))
        (sum, count) = (0, 0)
        guard losses.count == Self.largestCurve else { return }
        losses = stride(from: 0, to: losses.count, by: 2).map { (losses[$0] + losses[$0 + 1]) / 2 }
        stretch *= 2
    }

    /// Removes the lines, so that others can be printed in their place.
    mutating func erase() -> String {
        defer { drawn = 0 }
        return erasing
    }

    private var erasing: String {
        drawn == 0 ? "\r\u{1B}[K" : "\r" + (drawn > 1 ? "\u{1B}[\(drawn - 1)A" : "") + "\u{1B}[J"
    }

    /// What draws a step's lines over those of the step before.
    mutating func drawing(_ line: ProgressLine, width: Int, usesColor: Bool) -> String {
        let lines = lines(line, width: width, usesColor: usesColor)
        defer { drawn = lines.count }
        return erasing + lines.joined(separator: "\n")
    }

    /// At most four lines, none longer than the terminal; one where it is too narrow for a curve.
    private func lines(_ line: ProgressLine, width: Int, usesColor: Bool) -> [String] {
        // A full last column makes some terminals wrap.
        let room = max(0, width - 1)
        guard room >= 40 else { return [line.live(width: width, usesColor: usesColor)] }
        let label = "loss   "
        var lines = [line.bar(width: width, usesColor: usesColor), String("speed  \(line.speed)".prefix(room))]
        if let last = losses.last, let first = losses.first {
            let ends = (first.formatted, last.formatted)
            let curve = Self.curve(losses, bars: max(0, min(60, room - label.count - ends.0.count - ends.1.count - 2)))
            lines.append("\(label)\(ends.0) \(curve) \(ends.1)")
        }
        if let codes { lines.append("codes  \(codes.live) of \(codes.all) alive") }
        return lines.map { $0.contains("\u{1B}") ? $0 : String($0.prefix(room)) }
    }

    /// Values as bars, the highest full.
    static func curve(_ values: [Double], bars: Int) -> String {
        guard bars > 0, let low = values.min(), let high = values.max() else { return "" }
        let shown = min(bars, values.count)
        return String(
            (0..<shown).map { bar in
                let part = values[bar * values.count / shown..<(bar + 1) * values.count / shown]
                let mean = part.reduce(0, +) / Double(part.count)
                let share = high > low ? (mean - low) / (high - low) : 0
                return blocks[min(blocks.count - 1, Int(share * Double(blocks.count)))]
            })
    }
}

extension Double {
    fileprivate var formatted: String { ProgressLine.significant(self) }
}
