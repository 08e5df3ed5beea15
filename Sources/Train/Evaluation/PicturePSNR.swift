import Foundation
import LAM
import LAMData

/// Peak signal-to-noise ratio of predicted pictures, from their 8-bit values, as sums over pairs.
struct PicturePSNR {
    private(set) var sum = 0.0
    private(set) var pairs = 0.0

    /// - Parameter recon: the batch's predictions, `[B, 1, N, D]`.
    mutating func add(_ batch: FramePairBatch, recon: [Float], _ encoder: PixelEncoder) {
        let size = batch.resolution, plane = size * size
        for sample in batch.samples.indices {
            let picture = encoder.image(
                Array(recon[3 * plane * sample..<3 * plane * (sample + 1)]), height: size, width: size)
            let target = 3 * plane * (2 * sample + 1)
            var error = 0.0
            for place in 0..<plane {
                for channel in 0..<3 {
                    let difference =
                        Double(picture[3 * place + channel]) - Double(batch.pixels[target + channel * plane + place])
                    error += difference * difference
                }
            }
            // A perfect picture has no finite value; half a step of one value in one picture stands for it.
            let mean = max(error, 0.25) / Double(3 * plane)
            sum += 10 * log10(255 * 255 / mean)
            pairs += 1
        }
    }
}
