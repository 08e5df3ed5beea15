import DataCore

/// How sharp a picture is.
///
/// With D(d) the mean of |2g(x) − g(x − d) − g(x + d)| over the brightness g of a picture of about 256 columns, across and
/// down, `fine` is D(1) without what noise makes of it, and `share` is fine / D(12). A picture of fewer things has less of both
/// D(1) and D(12); one that is blurred loses D(1) first.
package struct PictureDetail: Sendable, Hashable {
    /// Levels of 255.
    package let fine: Float
    package let share: Float

    private static let columns = 256
    private static let reach = 12
    /// Levels of 255 below which D(12) has nothing to judge by: fog, darkness, a bare wall.
    private static let least = 2.0
    /// What a fifth of the second differences stay below, as a share of their mean, where they are noise of a Gaussian.
    private static let noise = 0.317

    package init(fine: Float, share: Float) { (self.fine, self.share) = (fine, share) }

    /// - Returns: nil for a picture without detail, or of fewer pixels than this takes.
    package init?(_ image: RGBImage) {
        let step = max(1, image.width / Self.columns)
        let (width, height) = (image.width / step, image.height / step)
        guard width > 3 * Self.reach, height > 3 * Self.reach else { return nil }
        let gray = Self.brightness(of: image, step: step, width: width, height: height)
        let near = Self.differences(of: gray, width: width, height: height, distance: 1)
        let far = Self.differences(of: gray, width: width, height: height, distance: Self.reach)
        guard far.mean >= Self.least else { return nil }
        let floor = near.fifth / Self.noise
        let fine = (max(0, near.mean * near.mean - floor * floor)).squareRoot()
        self.init(fine: Float(fine), share: Float(fine / far.mean))
    }

    /// Four times the levels, as means of squares of pixels: skipping pixels instead would make edges sharp again.
    private static func brightness(of image: RGBImage, step: Int, width: Int, height: Int) -> [Int32] {
        var gray = [Int32](repeating: 0, count: width * height)
        image.pixels.withUnsafeBufferPointer { pixels in
            for y in 0..<height * step {
                var place = y * image.width * 3
                let row = y / step * width
                for x in 0..<width {
                    var sum: Int32 = 0
                    for _ in 0..<step {
                        sum += Int32(pixels[place]) + 2 * Int32(pixels[place + 1]) + Int32(pixels[place + 2])
                        place += 3
                    }
                    gray[row + x] += sum
                }
            }
        }
        return gray.map { $0 / Int32(step * step) }
    }

    /// Second differences of the pixels that have neighbours at the largest distance: their mean, and what a fifth of them are
    /// not above, in levels of 255.
    private static func differences(
        of gray: [Int32], width: Int, height: Int, distance: Int
    ) -> (mean: Double, fifth: Double) {
        var counts = [Int](repeating: 0, count: 2041)
        gray.withUnsafeBufferPointer { gray in
            for y in reach..<height - reach {
                for x in reach..<width - reach {
                    let place = y * width + x
                    let middle = 2 * gray[place]
                    counts[Int(abs(middle - gray[place - distance] - gray[place + distance]))] += 1
                    counts[Int(abs(middle - gray[place - distance * width] - gray[place + distance * width]))] += 1
                }
            }
        }
        let total = counts.reduce(0, +)
        let mean = Double(counts.indices.reduce(0) { $0 + $1 * counts[$1] }) / Double(total) / 4
        var (below, fifth) = (0, 0)
        while fifth < counts.count - 1, (below + counts[fifth]) * 5 < total {
            below += counts[fifth]
            fifth += 1
        }
        // Within a step of the count, evenly.
        let part = counts[fifth] > 0 ? (Double(total) / 5 - Double(below)) / Double(counts[fifth]) : 0
        return (mean, fifth == 0 ? 0 : (Double(fifth) - 0.5 + min(part, 1)) / 4)
    }
}
