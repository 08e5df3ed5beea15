import CFFmpeg
import DataCore

extension PictureTurn {
    /// The turn that a container's display matrix asks for: players, OpenCV, FFmpeg and torchcodec make it.
    ///
    /// Nine numbers `a b u c d v x y w`, 16.16 fixed point (`u v w` 2.30): a stored point (p, q) is shown at
    /// (a p + c q + x, b p + d q + y). Source: ISO/IEC 14496-12, 6.2.2; FFmpeg's `libavutil/display.h`.
    ///
    /// - Returns: nil for a matrix that is no multiple of 90 degrees with or without a mirror.
    init?(displayMatrix matrix: [Int32]) {
        precondition(matrix.count == 9, "\(matrix.count) numbers of a display matrix")
        let (a, b, c, d) = (matrix[0], matrix[1], matrix[3], matrix[4])
        func sign(_ value: Int32) -> Int { value == 0 ? 0 : value > 0 ? 1 : -1 }
        // A rotation by 90 degrees that was computed with sines leaves numbers near 0 in place of 0.
        let largest = [a, b, c, d].map { abs(Double($0)) }.max() ?? 0
        let signs = [a, b, c, d].map { abs(Double($0)) < largest / 1000 ? 0 : sign($0) }
        switch (signs[0], signs[1], signs[2], signs[3]) {
        case (let a, 0, 0, let d) where a != 0 && d != 0:
            self.init(transposes: false, mirrorsColumns: a < 0, mirrorsRows: d < 0)
        // The shown column grows with the stored row (c), the shown row with the stored column (b).
        case (0, let b, let c, 0) where b != 0 && c != 0:
            self.init(transposes: true, mirrorsColumns: c < 0, mirrorsRows: b < 0)
        default: return nil
        }
    }
}

extension VideoContainer {
    /// How decoded pictures are to be turned.
    ///
    /// - Throws: `DataError.unreadableVideo` for a matrix that no whole number of quarter turns gives.
    package func turn() throws -> PictureTurn {
        var size = 0
        guard let bytes = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size), size >= 36 else {
            return PictureTurn()
        }
        let matrix = (0..<9).map { UnsafeRawPointer(bytes).loadUnaligned(fromByteOffset: $0 * 4, as: Int32.self) }
        // A matrix of zeros is what some writers leave where they mean none.
        guard matrix.contains(where: { $0 != 0 }) else { return PictureTurn() }
        guard let turn = PictureTurn(displayMatrix: matrix) else {
            let angle = av_display_rotation_get(matrix)
            throw DataError.unreadableVideo(
                path: path,
                reason: "its display matrix turns pictures by \((-angle * 10).rounded() / 10)°: expected a multiple of "
                    + "90°; encode it again with its pictures upright")
        }
        return turn
    }
}
