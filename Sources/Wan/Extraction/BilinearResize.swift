/// Bilinear resizing as PyTorch's `interpolate(mode="bilinear", align_corners=False)` does it: two neighbours along each axis,
/// without a low pass filter.
public struct BilinearResize: Sendable {
    private struct Axis: Sendable {
        let low: [Int]
        let high: [Int]
        let highShare: [Float]

        init(_ source: Int, _ target: Int) {
            let scale = Float(source) / Float(target)
            // One rounding, as in PyTorch's builds for processors with fused multiply-add: two would be 2e-6 off at 50 pixels.
            let positions = (0..<target).map { max(0, Float(-0.5).addingProduct(scale, Float($0) + 0.5)) }
            low = positions.map { min(Int($0), source - 1) }
            high = low.map { min($0 + 1, source - 1) }
            highShare = zip(positions, low).map { $0 - Float($1) }
        }
    }

    public let height: Int
    public let width: Int
    private let sourceHeight: Int
    private let sourceWidth: Int
    private let rows: Axis
    private let columns: Axis

    public init(fromHeight: Int, width fromWidth: Int, toHeight: Int, width toWidth: Int) {
        precondition(min(fromHeight, fromWidth, toHeight, toWidth) > 0, "resizing to or from nothing")
        (height, width, sourceHeight, sourceWidth) = (toHeight, toWidth, fromHeight, fromWidth)
        rows = Axis(fromHeight, toHeight)
        columns = Axis(fromWidth, toWidth)
    }

    /// - Parameter frame: 8-bit, `[rows, columns, 3]`.
    /// - Returns: values in [0, 1], `[height, width, 3]`.
    public func callAsFunction(_ frame: [UInt8]) -> [Float] {
        precondition(frame.count == sourceHeight * sourceWidth * 3, "\(frame.count) values to resize")
        return [Float](unsafeUninitializedCapacity: height * width * 3) { out, count in
            frame.withUnsafeBufferPointer { frame in
                for row in 0..<height {
                    let (top, bottom) = (rows.low[row] * sourceWidth, rows.high[row] * sourceWidth)
                    let below = rows.highShare[row], above = 1 - below
                    for column in 0..<width {
                        let (left, right) = (columns.low[column], columns.high[column])
                        let after = columns.highShare[column], before = 1 - after
                        for channel in 0..<3 {
                            func value(_ pixel: Int) -> Float { Self.shares[Int(frame[pixel * 3 + channel])] }
                            out[(row * width + column) * 3 + channel] =
                                above * (before * value(top + left) + after * value(top + right))
                                + below * (before * value(bottom + left) + after * value(bottom + right))
                        }
                    }
                }
            }
            count = height * width * 3
        }
    }

    private static let shares = (0..<256).map { Float($0) / 255 }
}
