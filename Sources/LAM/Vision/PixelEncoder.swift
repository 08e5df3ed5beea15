import Tensor

/// `vision_encoder: pixels`: a patch's feature vector is its normalised pixels, in the order channel, row, column.
/// Needs no pretrained weights, and its predictions can be looked at.
public struct PixelEncoder: VisionEncoder {
    public let patchSize: Int

    public init(patchSize: Int) {
        self.patchSize = patchSize
    }

    public var fingerprint: String { "pixels patch \(patchSize)" }
    public var featureWidth: Int { 3 * patchSize * patchSize }

    public func callAsFunction(_ frames: Tensor, on backend: any Backend) -> Tensor {
        precondition(frames.shape.count == 5, "frames are [B, T, 3, H, W], got \(frames.shape)")
        let patches = (frames.shape[3] / patchSize) * (frames.shape[4] / patchSize)
        let features = backend.empty([frames.shape[0], frames.shape[1], patches, featureWidth])
        backend.patchify(
            frames, patchSize: patchSize, mean: ImageNetNormalization.mean, std: ImageNetNormalization.std,
            into: features)
        return features
    }

    /// The picture that features describe: `[N, D]` to RGB8 `[height, width, 3]`, values outside the range clamped.
    public func image(_ features: [Float], height: Int, width: Int) -> [UInt8] {
        precondition(features.count == 3 * height * width, "\(features.count) features for \(width)x\(height) pixels")
        let columns = width / patchSize
        var pixels = [UInt8](repeating: 0, count: features.count)
        for y in 0..<height {
            for x in 0..<width {
                let patch = y / patchSize * columns + x / patchSize
                for channel in 0..<3 {
                    let inside = (channel * patchSize + y % patchSize) * patchSize + x % patchSize
                    let value =
                        features[patch * featureWidth + inside] * ImageNetNormalization.std[channel]
                        + ImageNetNormalization.mean[channel]
                    pixels[(y * width + x) * 3 + channel] = UInt8((min(max(value, 0), 1) * 255).rounded())
                }
            }
        }
        return pixels
    }
}
