import Formats
import LAM
import LAMData

/// A pair of frames and what the model made of it, as three pictures: first frame, second frame, prediction of it.
struct PairPictures {
    let episode: String
    /// RGB8 `[size, size, 3]` each.
    let pictures: [[UInt8]]
}

/// Puts pairs side by side, the pictures of each below each other.
struct PairSheet {
    /// Sheets show frames at least this many pixels high.
    private static let displayHeight = 96
    private static let gap = 4

    let encoder: PixelEncoder
    let size: Int

    /// The pictures of one sample of a batch.
    ///
    /// - Parameter recon: predicted features of the batch, `[B, 1, N, D]`.
    func pictures(_ batch: FramePairBatch, sample: Int, recon: [Float]) -> PairPictures {
        let frame = 3 * size * size
        let start = batch.framesPerSample * batch.views * frame * sample
        let pixels = batch.pixels[start..<start + 2 * frame]
        let source = batch.samples[sample]
        return PairPictures(
            episode: "\(source.dataset) \(source.episode)",
            pictures: [
                interleaved(pixels.prefix(frame)), interleaved(pixels.suffix(frame)),
                encoder.image(Array(recon[frame * sample..<frame * (sample + 1)]), height: size, width: size),
            ])
    }

    /// - Parameter columns: pairs that there is room for.
    func image(_ pairs: [PairPictures], columns: Int) -> PNGImage {
        let zoom = max(1, (Self.displayHeight + size - 1) / size)
        let cell = size * zoom + Self.gap
        let width = columns * cell + Self.gap, height = 3 * cell + Self.gap
        var pixels = [UInt8](repeating: 255, count: width * height * 3)
        for (column, pair) in pairs.enumerated() {
            for (row, picture) in pair.pictures.enumerated() {
                for y in 0..<size * zoom {
                    for x in 0..<size * zoom {
                        let source = (y / zoom * size + x / zoom) * 3
                        let target = ((row * cell + Self.gap + y) * width + column * cell + Self.gap + x) * 3
                        for channel in 0..<3 { pixels[target + channel] = picture[source + channel] }
                    }
                }
            }
        }
        return PNGImage(width: width, height: height, pixels: pixels)
    }

    /// `[3, H, W]` to `[H, W, 3]`.
    private func interleaved(_ planes: ArraySlice<UInt8>) -> [UInt8] {
        let plane = size * size, start = planes.startIndex
        var pixels = [UInt8](repeating: 0, count: 3 * plane)
        for position in 0..<plane {
            for channel in 0..<3 { pixels[position * 3 + channel] = planes[start + channel * plane + position] }
        }
        return pixels
    }
}
