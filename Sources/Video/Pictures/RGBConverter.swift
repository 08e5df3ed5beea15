import CFFmpeg
import DataCore

/// Turns decoded pictures into RGB, the way both of LeRobot's decoders end up doing it.
///
/// For 4:2:0 and 4:2:2 that is libswscale's unscaled converter, each chroma sample repeated over its pixels. LeRobot's
/// own videos carry no colour tags, which means BT.601 with limited range; tags are obeyed where there are some.
/// SPEC_LEROBOT §4.4.
package final class RGBConverter {
    private var context: UnsafeMutableRawPointer?
    private var input: Input?
    private var scratch: [UInt8] = []

    /// What a libswscale context is made for.
    private struct Input: Equatable {
        let width: Int32
        let height: Int32
        let format: Int32
        let colorspace: Int32
        let isFullRange: Bool

        init(_ frame: AVFrame) {
            width = frame.width
            height = frame.height
            format = frame.format
            colorspace = Int32(bitPattern: frame.colorspace.rawValue)
            let pixelFormat = AVPixelFormat(rawValue: frame.format)
            let isFullByFormat = [AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUVJ422P, AV_PIX_FMT_YUVJ444P].contains(pixelFormat)
            // Grey pictures of PNG files use all 256 levels and say nothing about it.
            let isGrey = (av_pix_fmt_desc_get(pixelFormat)?.pointee.nb_components ?? 0) < 3
            isFullRange = frame.color_range == AVCOL_RANGE_JPEG || isFullByFormat || isGrey
        }
    }

    package init() {}

    deinit { lam_sws_free(context) }

    /// - Returns: the picture, or `nil` if libswscale does not know its pixel format.
    package func convert(_ source: VideoFrame) -> RGBImage? {
        let width = source.width
        let height = source.height
        guard width > 0, height > 0, Int64(width) * Int64(height) <= LibAV.maximumPixels else { return nil }
        // libswscale takes the unscaled converter for even heights only and interpolates chroma otherwise.
        let frame = height % 2 == 0 || !isSubsampled(source) ? source : paddedToEvenHeight(source)
        guard let frame else { return nil }
        let raw = frame.pointer.pointee
        let wanted = Input(raw)
        if input != wanted {
            lam_sws_free(context)
            context = lam_sws_create(
                raw.width, raw.height, AVPixelFormat(rawValue: raw.format), wanted.colorspace,
                wanted.isFullRange ? 1 : 0)
            input = wanted
        }
        guard let context else { return nil }
        // The vector code writes whole groups of pixels, and leaves out the rest of a row that has no room for one.
        let stride = (width + 31) / 32 * 32 * 3
        let size = stride * (height + 1) + 64
        if scratch.count < size { scratch = [UInt8](repeating: 0, count: size) }
        let converted = scratch.withUnsafeMutableBufferPointer { buffer in
            // SAFETY: `buffer` is not empty and holds the frame's rows, at most height + 1, of `stride` bytes each.
            lam_sws_convert(context, frame.pointer, buffer.baseAddress!, Int32(stride))
        }
        guard converted == raw.height else { return nil }
        let rowBytes = width * 3
        // SAFETY: every one of the `rowBytes * height` bytes is initialised by the loop, row by row.
        let pixels = [UInt8](unsafeUninitializedCapacity: rowBytes * height) { output, count in
            scratch.withUnsafeBufferPointer { input in
                for row in 0..<height {
                    let source = UnsafeBufferPointer(rebasing: input[row * stride..<row * stride + rowBytes])
                    _ = UnsafeMutableBufferPointer(rebasing: output[row * rowBytes..<(row + 1) * rowBytes])
                        .initialize(from: source)
                }
            }
            count = rowBytes * height
        }
        return RGBImage(width: width, height: height, pixels: pixels)
    }

    private func isSubsampled(_ frame: VideoFrame) -> Bool {
        [AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUV422P, AV_PIX_FMT_YUVJ422P]
            .contains(AVPixelFormat(rawValue: frame.pointer.pointee.format))
    }

    /// A copy with the last row repeated once.
    private func paddedToEvenHeight(_ source: VideoFrame) -> VideoFrame? {
        let padded = VideoFrame()
        padded.pointer.pointee.width = source.pointer.pointee.width
        padded.pointer.pointee.height = source.pointer.pointee.height + 1
        padded.pointer.pointee.format = source.pointer.pointee.format
        padded.pointer.pointee.colorspace = source.pointer.pointee.colorspace
        padded.pointer.pointee.color_range = source.pointer.pointee.color_range
        guard av_frame_get_buffer(padded.pointer, 0) >= 0,
            let description = av_pix_fmt_desc_get(AVPixelFormat(rawValue: source.pointer.pointee.format))
        else { return nil }
        for plane in 0..<3 {
            let horizontal = plane == 0 ? 0 : Int(description.pointee.log2_chroma_w)
            let vertical = plane == 0 ? 0 : Int(description.pointee.log2_chroma_h)
            let columns = -((-source.width) >> horizontal)
            let sourceRows = -((-source.height) >> vertical)
            let paddedRows = -((-padded.height) >> vertical)
            guard let from = lam_frame_plane(source.pointer, Int32(plane)),
                let to = lam_frame_plane_mutable(padded.pointer, Int32(plane))
            else { return nil }
            for row in 0..<paddedRows {
                // SAFETY: both frames hold these rows of at least `columns` bytes, each at its own stride.
                (to + row * Int(lam_frame_stride(padded.pointer, Int32(plane)))).update(
                    from: from + min(row, sourceRows - 1) * Int(lam_frame_stride(source.pointer, Int32(plane))),
                    count: columns)
            }
        }
        return padded
    }
}
