import CFFmpeg
import DataCore
import Formats

/// Decodes a PNG, JPEG, TIFF or WebP file held in memory. Pictures are turned as their Exif data say.
package enum EncodedImage {
    /// What is wrong with the bytes.
    package struct Failure: Error {
        package let reason: String

        package init(reason: String) { self.reason = reason }
    }

    /// Colour as RGB; grey, palette and alpha pictures are converted, alpha is dropped.
    ///
    /// - Throws: `Failure`; also for one channel of more than 8 bits, whose upper half is no picture.
    package static func decode(_ bytes: [UInt8], converter: RGBConverter) throws -> RGBImage {
        let (frame, id) = try frame(bytes)
        guard !frame.isMeasurement else {
            throw Failure(
                reason: "expected colours, got one channel of \(frame.bits) bits: a measurement such as depth")
        }
        let jpeg = id == AV_CODEC_ID_MJPEG ? JPEGConverter.convert(frame) : nil
        guard let image = jpeg ?? converter.convert(frame) else {
            throw Failure(reason: "unsupported pixel format \(frame.format)")
        }
        return ExifOrientation.turn(bytes).applied(to: image)
    }

    /// A picture of a depth camera.
    ///
    /// - Throws: `Failure`.
    package static func stored(_ bytes: [UInt8], _ reader: DepthReader, converter: RGBConverter) throws -> StoredPicture
    {
        let turn = ExifOrientation.turn(bytes)
        if TIFFImage.begins(bytes) {
            do {
                let tiff = try TIFFImage(bytes)
                if let numbers = try tiff.numbers() {
                    return StoredPicture.distances(
                        DepthPicture(width: tiff.width, height: tiff.height, values: numbers),
                        isWide: tiff.bitsPerSample > 8
                    ).turned(turn)
                }
            } catch let failure as TIFFImage.Failure {
                throw Failure(reason: "damaged TIFF: \(failure.reason)")
            }
        }
        let (frame, _) = try frame(bytes)
        guard let picture = frame.storedPicture(reader, converter: converter) else {
            throw Failure(reason: "unsupported pixel format \(frame.format)")
        }
        return picture.turned(turn)
    }

    private static func frame(_ bytes: [UInt8]) throws -> (frame: VideoFrame, id: AVCodecID) {
        _ = LibAV.configured
        var bytes = bytes
        let id: AVCodecID
        if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            id = AV_CODEC_ID_PNG
            bytes = PNGChunks.pixels(of: bytes)
        } else if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
            id = AV_CODEC_ID_MJPEG
        } else if TIFFImage.begins(bytes) {
            id = AV_CODEC_ID_TIFF
        } else if bytes.starts(with: "RIFF".utf8), bytes.dropFirst(8).starts(with: "WEBP".utf8) {
            id = AV_CODEC_ID_WEBP
        } else if bytes.starts(with: "version https://git-lfs".utf8) {
            throw Failure(reason: "expected PNG, JPEG, TIFF or WebP, got a Git LFS pointer; run git lfs pull")
        } else {
            let head = bytes.prefix(8).map { String($0, radix: 16) }.joined(separator: " ")
            throw Failure(
                reason: "expected PNG, JPEG, TIFF or WebP, got \(bytes.count) bytes that begin with [\(head)]")
        }
        guard bytes.count <= 1 << 30 else { throw Failure(reason: "more than 1 GiB") }
        guard let decoder = avcodec_find_decoder(id), let context = avcodec_alloc_context3(decoder) else {
            throw Failure(reason: "this build of FFmpeg has no decoder for \(LibAV.name(of: id))")
        }
        defer {
            var freeing: UnsafeMutablePointer<AVCodecContext>? = context
            avcodec_free_context(&freeing)
        }
        context.pointee.thread_count = 1
        context.pointee.max_pixels = LibAV.maximumPixels
        try check(avcodec_open2(context, decoder, nil))

        let packet = VideoPacket()
        try check(av_new_packet(packet.pointer, Int32(bytes.count)))
        bytes.withUnsafeBufferPointer { source in
            // SAFETY: av_new_packet succeeded, so `data` has room for exactly these bytes, which are not empty.
            packet.pointer.pointee.data!.update(from: source.baseAddress!, count: source.count)
        }
        packet.pointer.pointee.flags |= AV_PKT_FLAG_KEY
        try check(avcodec_send_packet(context, packet.pointer))
        avcodec_send_packet(context, nil)
        let frame = VideoFrame()
        try check(avcodec_receive_frame(context, frame.pointer))
        guard frame.pointer.pointee.decode_error_flags == 0,
            frame.pointer.pointee.flags & AV_FRAME_FLAG_CORRUPT == 0
        else { throw Failure(reason: "damaged data") }
        return (frame, id)
    }

    private static func check(_ code: Int32) throws {
        guard code >= 0 else { throw Failure(reason: LibAV.message(code)) }
    }
}
