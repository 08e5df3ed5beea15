import LAMData

/// RGB of 4:2:0 planes by the textbook formula (BT.601, limited range) with repeated chroma samples.
enum BT601 {
    /// The formula in exact arithmetic against libswscale's fixed point tables.
    static let tolerance = 3.0

    /// The largest difference between `image` and the formula, in levels of 0…255.
    static func difference(_ image: RGBImage, y: [UInt8], u: [UInt8], v: [UInt8]) -> Double {
        var maximum = 0.0
        let chromaWidth = (image.width + 1) / 2
        for row in 0..<image.height {
            for column in 0..<image.width {
                let luma = 1.164383 * (Double(y[row * image.width + column]) - 16)
                let chroma = row / 2 * chromaWidth + column / 2
                let cb = Double(u[chroma]) - 128
                let cr = Double(v[chroma]) - 128
                let rgb = [luma + 1.596027 * cr, luma - 0.391762 * cb - 0.812968 * cr, luma + 2.017232 * cb]
                for channel in 0..<3 {
                    let exact = min(255, max(0, rgb[channel]))
                    let got = Double(image.pixels[(row * image.width + column) * 3 + channel])
                    maximum = max(maximum, abs(got - exact))
                }
            }
        }
        return maximum
    }
}
