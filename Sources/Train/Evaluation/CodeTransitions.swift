import Formats
import Reports

/// Which code follows which: counts over neighbouring pairs of an episode, token by token.
package struct CodeTransitions {
    package let codes: Int
    /// `counts[from * codes + to]`.
    package private(set) var counts: [Double]
    private var last: (episode: String, frame: Int, codes: [Int32])?

    /// A larger table is not drawn, and not kept.
    static let largestCodes = 512

    package init(codes: Int) {
        self.codes = codes
        counts = [Double](repeating: 0, count: codes * codes)
    }

    /// Adds a pair; where it starts a frame behind the one before, its codes follow that one's.
    package mutating func add(episode: String, frame: Int, codes new: [Int32]) {
        if let last, last.episode == episode, last.frame + 1 == frame {
            for (from, to) in zip(last.codes, new) { counts[Int(from) * codes + Int(to)] += 1 }
        }
        last = (episode, frame, new)
    }

    mutating func replaceCounts(_ sums: [Double]) {
        precondition(sums.count == counts.count, "\(sums.count) sums for \(codes) codes")
        counts = sums
    }

    /// The same as a graph, SVG; nil where no code follows another.
    package func graph() -> String? { TransitionGraph(counts: counts, codes: codes)?.svg() }

    /// A row for each code, a column for the code that follows; darker where it follows more often.
    package func image() -> PNGImage {
        let cell = max(1, min(24, 512 / codes)), size = cell * codes
        var pixels = [UInt8](repeating: 255, count: 3 * size * size)
        for from in 0..<codes {
            let row = counts[from * codes..<(from + 1) * codes]
            let total = row.reduce(0, +)
            guard total > 0 else { continue }
            for to in 0..<codes {
                let color = HeatColor.of((counts[from * codes + to] / total).squareRoot())
                for y in from * cell..<(from + 1) * cell {
                    for x in to * cell..<(to + 1) * cell {
                        for channel in 0..<3 { pixels[3 * (y * size + x) + channel] = color[channel] }
                    }
                }
            }
        }
        return PNGImage(width: size, height: size, pixels: pixels)
    }
}
