import Formats
import LAM
import LAMData

/// A pair of frames and what the model made of it, as three pictures: first frame, second frame, prediction of it.
struct PairPictures {
    let episode: String
    /// RGB8 `[size, size, 3]` each.
    let pictures: [[UInt8]]
}

/// Puts pairs side by side, the pictures of each below each other, with words that say what is seen.
struct PairSheet {
    /// Sheets show frames at least this many pixels high.
    private static let displayHeight = 96
    private static let gap = 4
    /// Height of a line of text with its gaps.
    private static let line = BitmapFont.height + 2 * gap
    private static let ink: PixelCanvas.Color = (64, 64, 64)

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

    /// - Parameters:
    ///   - title: above the pairs.
    ///   - pairs: at least one, each with a word below it.
    func image(_ pairs: [(pictures: PairPictures, word: String)], title: String) -> PNGImage {
        let zoom = max(1, (Self.displayHeight + size - 1) / size)
        let side = size * zoom, cell = side + Self.gap
        let rows = ["first", "second", "predicted"]
        let margin = (rows.map { PixelCanvas.width(of: $0) }.max() ?? 0) + 2 * Self.gap
        var canvas = PixelCanvas(
            width: max(margin + pairs.count * cell, PixelCanvas.width(of: title) + 2 * Self.gap),
            height: 2 * Self.line + 3 * cell)
        canvas.text(title, x: Self.gap, y: Self.gap, Self.ink)
        for (row, word) in rows.enumerated() {
            canvas.text(word, x: Self.gap, y: Self.line + row * cell + side / 2 - BitmapFont.height / 2, Self.ink)
        }
        for (column, pair) in pairs.enumerated() {
            let left = margin + column * cell
            for (row, picture) in pair.pictures.pictures.enumerated() {
                canvas.draw(picture, width: size, height: size, zoom: zoom, x: left, y: Self.line + row * cell)
            }
            canvas.text(pair.word, x: left, y: Self.line + 3 * cell + Self.gap, Self.ink)
        }
        return canvas.image
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
