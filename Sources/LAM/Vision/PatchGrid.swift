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

    /// The grid of frames u8 `[B, T, 3, H, W]`, which must be what `encoder` takes, and on the backend that has its
    /// weights.
    init(
        _ frames: Tensor, for encoder: some VisionEncoder, loadedOn home: any Backend, on backend: any Backend
    ) {
        precondition(backend === home, "the encoder's weights are on \(home.summary), the frames on \(backend.summary)")
        precondition(
            frames.dtype == .u8 && frames.shape.count == 5 && frames.shape[2] == 3,
            "frames are u8 [B, T, 3, H, W], got \(frames.dtype) \(frames.shape)")
        let (height, width) = (frames.shape[3], frames.shape[4])
        precondition(
            height > 0 && width > 0 && height % encoder.patchSize == 0 && width % encoder.patchSize == 0,
            "frames of \(height) x \(width) pixels in patches of \(encoder.patchSize)")
        self.init(rows: height / encoder.patchSize, columns: width / encoder.patchSize)
    }

    /// `[B, T, 3, H, W]` as `[B T, 3, H, W]`.
    func flattened(_ frames: Tensor) -> Tensor {
        frames.reshaped([frames.shape[0] * frames.shape[1]] + frames.shape.dropFirst(2))
    }
}
