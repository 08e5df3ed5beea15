import Formats

/// What an encoded picture says of its numbers, without decoding it.
package struct PictureHeader {
    package enum Format { case png, jpeg, tiff }

    package let format: Format
    /// Nil where the header does not tell.
    let channels: Int?
    let bits: Int?

    /// - Parameter bytes: the first 32 of a file; all of a TIFF file, whose description may stand anywhere.
    /// - Returns: nil for anything but PNG, JPEG and TIFF.
    package init?(_ bytes: some Collection<UInt8>) {
        let head = Array(bytes.prefix(32))
        if head.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            format = .png
            guard head.count > 25 else {
                (channels, bits) = (nil, nil)
                return
            }
            bits = Int(head[24])
            // Colour type: grey, RGB, palette, grey with alpha, RGB with alpha.
            channels = [0: 1, 2: 3, 3: 3, 4: 1, 6: 3][head[25]]
        } else if head.starts(with: [0xFF, 0xD8, 0xFF]) {
            (format, channels, bits) = (.jpeg, nil, 8)
        } else if TIFFImage.begins(head) {
            let tiff = try? TIFFImage(Array(bytes))
            (format, channels, bits) = (.tiff, tiff?.samplesPerPixel, tiff?.bitsPerSample)
        } else {
            return nil
        }
    }

    /// Whether the numbers are no colours: one channel of more levels than a screen shows. Grey pictures of 8 bits are
    /// what a monochrome camera sees.
    package var isMeasurement: Bool { channels == 1 && (bits ?? 8) > 8 }
}
