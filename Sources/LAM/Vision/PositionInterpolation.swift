import Foundation

/// How a learned table of positions on a square grid becomes one for another grid: bicubic, along rows and columns by
/// themselves, with pixel centres at halves.
package enum PositionInterpolation: Sendable, Equatable {
    /// Cubic with a = -0.5 whose support grows when shrinking, as in PIL; weights outside the grid are left out and
    /// the rest normalised. DINOv2 with registers.
    case antialiased
    /// Cubic with a = -0.75 over four neighbours, clamped at the border, by the scale `(target + 0.1) / source`: the
    /// tenth is a remedy against rounding in the first DINOv2 models that became part of what they compute.
    case offsetScale

    /// - Parameters:
    ///   - table: `[side, side, channels]`.
    ///   - rows, columns: the target grid.
    /// - Returns: `[rows, columns, channels]`; `table` itself where the grid is the same.
    package func callAsFunction(_ table: [Float], side: Int, channels: Int, rows: Int, columns: Int) -> [Float] {
        precondition(table.count == side * side * channels, "\(table.count) values for \(side) x \(side) positions")
        if rows == side, columns == side { return table }
        let across = taps(from: side, to: columns), down = taps(from: side, to: rows)
        var narrowed = [Float](repeating: 0, count: side * columns * channels)
        for row in 0..<side {
            for (column, taps) in across.enumerated() {
                for channel in 0..<channels {
                    var sum = 0.0
                    for tap in taps {
                        sum += tap.weight * Double(table[(row * side + tap.index) * channels + channel])
                    }
                    narrowed[(row * columns + column) * channels + channel] = Float(sum)
                }
            }
        }
        let width = columns * channels
        var result = [Float](repeating: 0, count: rows * width)
        for (row, taps) in down.enumerated() {
            for element in 0..<width {
                var sum = 0.0
                for tap in taps { sum += tap.weight * Double(narrowed[tap.index * width + element]) }
                result[row * width + element] = Float(sum)
            }
        }
        return result
    }

    private typealias Tap = (index: Int, weight: Double)

    /// For each target position the source positions that it is made of.
    private func taps(from source: Int, to target: Int) -> [[Tap]] {
        switch self {
        case .antialiased:
            let scale = Double(source) / Double(target)
            let stretch = max(1, scale)
            return (0..<target).map { position in
                let center = scale * (Double(position) + 0.5)
                let first = max(0, Int((center - 2 * stretch + 0.5).rounded(.towardZero)))
                let end = min(source, Int((center + 2 * stretch + 0.5).rounded(.towardZero)))
                let weights = (first..<end).map {
                    Self.cubic((Double($0) - center + 0.5) / stretch, a: -0.5)
                }
                let total = weights.reduce(0, +)
                return zip(first..<end, weights).map { ($0, $1 / total) }
            }
        case .offsetScale:
            let scale = Double(source) / (Double(target) + 0.1)
            return (0..<target).map { position in
                let center = scale * (Double(position) + 0.5) - 0.5
                let first = Int(center.rounded(.down)) - 1
                return (first..<first + 4).map { index in
                    (min(max(index, 0), source - 1), Self.cubic(center - Double(index), a: -0.75))
                }
            }
        }
    }

    /// The cubic convolution kernel with parameter a (Keys 1981).
    private static func cubic(_ x: Double, a: Double) -> Double {
        let t = abs(x)
        if t < 1 { return ((a + 2) * t - (a + 3)) * t * t + 1 }
        if t < 2 { return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a }
        return 0
    }
}
