import CFFmpeg

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
        var pixels = [UInt8](repeating: 0, count: width * height * 3)
        var (blue, red) = ([Int32](repeating: 0, count: width), [Int32](repeating: 0, count: width))
        for y in 0..<height {
            upsample(cb, row: y, columns: columns, rows: rows, halves, into: &blue)
            upsample(cr, row: y, columns: columns, rows: rows, halves, into: &red)
            for x in 0..<width {
                let (l, b, r) = (Int32(luma[y * width + x]), blue[x] - 128, red[x] - 128)
                // The factors 1.402, 0.344136, 0.714136 and 1.772 in 16 bits.
                let place = (y * width + x) * 3
                pixels[place] = clamped(l + (91881 * r + 32768) >> 16)
                pixels[place + 1] = clamped(l + (-22554 * b - 46802 * r + 32768) >> 16)
                pixels[place + 2] = clamped(l + (116130 * b + 32768) >> 16)
            }
        }
        return RGBImage(width: width, height: height, pixels: pixels)
    }

    private static func clamped(_ value: Int32) -> UInt8 { UInt8(max(0, min(255, value))) }

    /// One row of chroma at the size of luma.
    private static func upsample(
        _ plane: [UInt8], row y: Int, columns: Int, rows: Int, _ halves: (x: Bool, y: Bool), into result: inout [Int32]
    ) {
        let near = halves.y ? y / 2 : y
        // The row on the other side of this row's centre; at the edges the same one.
        let far = halves.y ? max(0, min(rows - 1, y % 2 == 0 ? near - 1 : near + 1)) : near
        func sum(_ column: Int) -> Int32 {
            let sample = Int32(plane[near * columns + column])
            return halves.y ? 3 * sample + Int32(plane[far * columns + column]) : sample
        }
        guard halves.x else {
            for x in result.indices { result[x] = sum(x) }
            return
        }
        let shift: Int32 = halves.y ? 4 : 2
        // Rounding alternates, so that it adds up to nothing.
        let (left, right): (Int32, Int32) = halves.y ? (8, 7) : (1, 2)
        for x in result.indices {
            let own = sum(x / 2)
            let neighbour = sum(max(0, min(columns - 1, x % 2 == 0 ? x / 2 - 1 : x / 2 + 1)))
            result[x] = (3 * own + neighbour + (x % 2 == 0 ? left : right)) >> shift
        }
    }
}
