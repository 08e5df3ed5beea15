import Tensor

/// Turns frames into the patch features that a latent action model sees and predicts. Frozen: it has no gradient.
public protocol VisionEncoder {
    /// Width D of a patch's feature vector.
    var featureWidth: Int { get }
    /// Identifies the network: encoders of equal fingerprints give equal features.
    var fingerprint: String { get }
    /// Side of a patch in pixels; frame sides must be multiples of it.
    var patchSize: Int { get }
    /// `frames` u8 `[B, T, 3, H, W]` to features f32 `[B, T, N, D]`, `N = (H / patchSize)(W / patchSize)`, rows first.
    func callAsFunction(_ frames: Tensor, on backend: any Backend) -> Tensor
}

/// Statistics that ImageNet-trained encoders expect of RGB values in [0, 1].
public enum ImageNetNormalization {
    public static let mean: [Float] = [0.485, 0.456, 0.406]
    public static let std: [Float] = [0.229, 0.224, 0.225]
}
