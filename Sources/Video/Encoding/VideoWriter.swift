import CFFmpeg
import DataCore
import Formats
import Foundation

/// Encodes pictures of one size as an mp4, which appears whole or not at all. Not for use by two threads at once.
///
/// 4:2:0, BT.601 with limited range, no colour tags: LeRobot's own videos are such, and readers expect it.
package final class VideoWriter {
    let path: String
    let width: Int
    let height: Int
    private(set) var frames = 0

    private let encoder: VideoEncoder
    private let scaler: UnsafeMutableRawPointer
    private let picture = VideoFrame()

    /// - Throws: `ConversionError.video`.
    package init(path: String, width: Int, height: Int, fps: Double, codec: VideoCodec) throws {
        _ = LibAV.configured
        (self.path, self.width, self.height) = (path, width, height)
        func failure(_ reason: String) -> ConversionError { .video(path: path, reason: reason) }
        guard width > 0, height > 0, width % 2 == 0, height % 2 == 0,
            Int64(width) * Int64(height) <= LibAV.maximumPixels
        else {
            throw failure("pictures of \(width)x\(height): 4:2:0 needs even sizes; --cameras leaves the camera out")
        }
        guard
            let (found, options) = codec.encoders.lazy.compactMap({ encoder in
                avcodec_find_encoder_by_name(encoder.name).map { ($0, encoder.options) }
            }).first
        else {
            let names = codec.encoders.map(\.name).joined(separator: " or ")
            throw failure("this build of FFmpeg has no encoder for \(codec.rawValue) (\(names))")
        }
        encoder = try VideoEncoder(
            path: path, codec: found, width: width, height: height, format: AV_PIX_FMT_YUV420P, fps: fps,
            options: options)
        guard let scaler = lam_sws_create_encoding(Int32(width), Int32(height)) else { throw failure("out of memory") }
        self.scaler = scaler
        picture.pointer.pointee.width = Int32(width)
        picture.pointer.pointee.height = Int32(height)
        picture.pointer.pointee.format = AV_PIX_FMT_YUV420P.rawValue
        try check(av_frame_get_buffer(picture.pointer, 0))
    }

    deinit { lam_sws_free(scaler) }

    /// Adds the next frame.
    ///
    /// - Throws: `ConversionError.video`, also for a picture of another size.
    package func append(_ image: RGBImage) throws {
        guard image.width == width, image.height == height else {
            throw ConversionError.video(
                path: path,
                reason: "frame \(frames): expected \(width)x\(height) as before, got \(image.width)x\(image.height)")
        }
        try check(av_frame_make_writable(picture.pointer))
        let rows = image.pixels.withUnsafeBufferPointer {
            lam_sws_convert_encoding(scaler, $0.baseAddress, Int32(width * 3), picture.pointer)
        }
        guard rows == height else { throw ConversionError.video(path: path, reason: "conversion to 4:2:0 failed") }
        picture.pointer.pointee.pts = Int64(frames)
        frames += 1
        try encoder.append(picture)
    }

    /// Writes what is left and puts the file in its place.
    package func finish() throws { try encoder.finish() }

    private func check(_ code: Int32) throws {
        guard code >= 0 else { throw ConversionError.video(path: path, reason: LibAV.message(code)) }
    }
}
