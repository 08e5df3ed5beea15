import CFFmpeg
import DataCore
import PixelKernels

/// RGB of decoded JPEG pictures as libjpeg makes it, hence Pillow and OpenCV: chroma between its samples is interpolated
/// (weights 3 and 1 along each halved axis), BT.601 with full range. Videos are another matter, see `RGBConverter`.
///
/// Source: ITU-T T.871 (JFIF) for the colours; libjpeg-turbo's `jdsample.c` documents the filter.
enum JPEGConverter {
    /// - Returns: nil for a pixel format that JPEG pictures do not usually have.
    static func convert(_ frame: VideoFrame) -> RGBImage? {
        let (width, height) = (frame.width, frame.height)
        let halves: (x: Bool, y: Bool)
        switch AVPixelFormat(rawValue: frame.pointer.pointee.format) {
        case AV_PIX_FMT_YUVJ444P: halves = (false, false)
        case AV_PIX_FMT_YUVJ422P: halves = (true, false)
        case AV_PIX_FMT_YUVJ420P: halves = (true, true)
        default: return nil
        }
        guard width > 0, height > 0 else { return nil }
        let luma = frame.plane(0)
        let (cb, cr) = (frame.plane(1), frame.plane(2))
        let columns = halves.x ? (width + 1) / 2 : width
        let rows = halves.y ? (height + 1) / 2 : height
        guard luma.count == width * height, cb.count == columns * rows, cr.count == columns * rows else { return nil }
        var scratch = [Int16](repeating: 0, count: 3 * (width + 1))
        let pixels = [UInt8](unsafeUninitializedCapacity: width * height * 3) { target, initialized in
            lam_pixels_jpeg(
                luma, cb, cr, width, height, halves.x ? 1 : 0, halves.y ? 1 : 0, &scratch, target.baseAddress)
            initialized = width * height * 3
        }
        return RGBImage(width: width, height: height, pixels: pixels)
    }
}
