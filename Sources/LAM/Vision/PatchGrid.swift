import Tensor

/// Rows and columns of patches that frames are cut into.
struct PatchGrid: Hashable {
    let rows: Int
    let columns: Int

    var count: Int { rows * columns }

    init(rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
    }

    /// The grid of frames u8 `[B, T, 3, H, W]`, whose sides must be multiples of the patch.
    init(_ frames: Tensor, patchSize: Int) {
        precondition(
            frames.dtype == .u8 && frames.shape.count == 5 && frames.shape[2] == 3,
            "frames are u8 [B, T, 3, H, W], got \(frames.dtype) \(frames.shape)")
        let (height, width) = (frames.shape[3], frames.shape[4])
        precondition(
            height > 0 && width > 0 && height % patchSize == 0 && width % patchSize == 0,
            "frames of \(height) x \(width) pixels in patches of \(patchSize)")
        self.init(rows: height / patchSize, columns: width / patchSize)
    }
}
