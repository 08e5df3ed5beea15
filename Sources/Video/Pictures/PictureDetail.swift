import DataCore

/// How sharp a picture is, whatever it shows: how much of its detail is fine.
///
/// With D(d) the mean of |2g(x) − g(x − d) − g(x + d)| over the brightness g of a picture of about 256 columns, across and
/// down, the measure is D(1) / D(4). An edge has 1/4, noise and fine textures up to 1, an edge that is blurred by a Gaussian
/// of σ pixels about 0.4 / σ², as soon as σ is above 1.
package enum PictureDetail {
    private static let columns = 256
    private static let reach = 4
    /// Levels of 255 below which D(4) has nothing to judge by: fog, darkness, a bare wall.
    private static let least = 1.5

    /// - Returns: nil for a picture without detail, or of fewer pixels than this takes.
    package static func sharpness(of image: RGBImage) -> Float? {
        let step = max(1, image.width / columns)
        let (width, height) = (image.width / step, image.height / step)
        guard width > 4 * reach, height > 4 * reach else { return nil }
        let gray = brightness(of: image, step: step, width: width, height: height)
        let fine = detail(of: gray, width: width, height: height, distance: 1)
        let coarse = detail(of: gray, width: width, height: height, distance: reach)
        return coarse >= least ? Float(fine / coarse) : nil
    }

    /// Means of squares of pixels: skipping pixels instead would make edges sharp again.
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

    /// D in levels of 255, over the pixels that have neighbours at the largest distance.
    private static func detail(of gray: [Int32], width: Int, height: Int, distance: Int) -> Double {
        var sum = 0
        gray.withUnsafeBufferPointer { gray in
            for y in reach..<height - reach {
                for x in reach..<width - reach {
                    let place = y * width + x
                    let middle = 2 * gray[place]
                    sum += Int(abs(middle - gray[place - distance] - gray[place + distance]))
                    sum += Int(abs(middle - gray[place - distance * width] - gray[place + distance * width]))
                }
            }
        }
        // Brightness counts a pixel's levels four times.
        return Double(sum) / Double(8 * (width - 2 * reach) * (height - 2 * reach))
    }
}
