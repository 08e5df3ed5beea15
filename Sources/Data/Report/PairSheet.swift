import Formats

/// Sampled frame pairs as the model is fed them: a column for each pair, the first frame above the second.
public struct PairSheet: Sendable {
    public let image: PNGImage

    private static let gap = 4
    private static let columns = 8

    /// - Parameter batch: at least one sample, with pixels.
    public init(_ batch: FramePairBatch) {
        let size = batch.resolution
        let columns = min(Self.columns, batch.samples.count)
        let rows = (batch.samples.count + columns - 1) / columns
        let width = columns * (size + Self.gap) + Self.gap
        let height = rows * (2 * size + 2 * Self.gap) + Self.gap
        var pixels = [UInt8](repeating: 255, count: width * height * 3)
        let plane = size * size
        for slot in batch.samples.indices {
            for half in 0..<2 {
                let source = (slot * batch.framesPerSample * batch.views + half) * 3 * plane
                let left = slot % columns * (size + Self.gap) + Self.gap
                // The two frames of a pair touch, pairs do not.
                let top = slot / columns * (2 * size + 2 * Self.gap) + Self.gap + half * size
                for y in 0..<size {
                    for x in 0..<size {
                        let target = ((top + y) * width + left + x) * 3
                        for channel in 0..<3 {
                            pixels[target + channel] = batch.pixels[source + channel * plane + y * size + x]
                        }
                    }
                }
            }
        }
        image = PNGImage(width: width, height: height, pixels: pixels)
    }
}
