import Video

/// How fast a video's frames follow each other.
enum ClipRate: Sendable, Equatable, Codable {
    /// Frames per second of a video whose frame `i` is shown at `i / rate`, to a quarter of a frame.
    case constant(Double)
    /// What is usual in a video whose frames come as they like.
    case variable(Double)

    var framesPerSecond: Double {
        switch self {
        case .constant(let rate), .variable(let rate): rate
        }
    }

    /// - Parameter seconds: when each frame is shown, ascending.
    /// - Returns: nil for fewer than two frames.
    init?(count: Int, seconds: (Int) -> Double) {
        guard count > 1, seconds(count - 1) > seconds(0) else { return nil }
        let first = seconds(0)
        let mean = Double(count - 1) / (seconds(count - 1) - first)
        func strays(_ rate: Double) -> Double {
            (0..<count).reduce(0) { max($0, abs(seconds($1) - first - Double($1) / rate)) }
        }
        // Containers round times, to milliseconds at worst: a rate that people use is meant where it fits as well.
        let usual = [mean.rounded(), (mean * 1.001).rounded() / 1.001].filter { $0 > 0 }
        let best = usual.map { (rate: $0, strays: strays($0)) }.min { $0.strays < $1.strays }
        if let best, best.strays <= Self.rounding, best.strays < 0.25 / best.rate {
            self = .constant(best.rate)
        } else if strays(mean) < 0.25 / mean {
            self = .constant(mean)
        } else {
            let steps = (1..<count).map { seconds($0) - seconds($0 - 1) }.sorted()
            let typical = 1 / steps[steps.count / 2]
            self = .variable(abs(typical.rounded() / typical - 1) < 0.02 ? typical.rounded() : typical)
        }
    }

    private static let rounding = 0.001_1

    /// Whether taking frames by number instead of by time is right, for a dataset of a rate. NTSC's rates and the whole
    /// numbers beside them differ by a thousandth, which no pair of frames shows.
    func isByNumber(in fps: Double) -> Bool {
        guard case .constant(let own) = self else { return false }
        return abs(own / fps - 1) <= 0.002
    }
}
