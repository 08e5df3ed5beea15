import Formats
import Tensor

/// `vision_encoder: dinov3-vitb16`: a frozen DINOv3 vision transformer (Siméoni et al. 2025), timm's
/// `vit_base_patch16_dinov3` and its other sizes, with or without bias of q and v.
///
/// Patches get their positions by rotation in every block, so frames may have any size that is a multiple of the patch.
public final class DINOv3Encoder: VisionEncoder {
    public let sizes: VisionTransformerSizes
    /// Equal for equal weights, whatever file or naming they come from.
    public let fingerprint: String
    private let transformer: VisionTransformer
    private var rotations: [PatchGrid: RotaryPositions] = [:]

    private static let registerNames = ["reg_token", "storage_tokens"]

    /// - Parameters:
    ///   - weights: timm's names, those of Meta's files or of Hugging Face's transformers; or a LAM checkpoint that contains its encoder.
    ///   - heads: nil where heads are 64 wide, as in all published models.
    ///   - layer: whose output the features are: -1 is the last block behind the last norm, -2 the one before without one.
    ///   - autocast: bf16 rounds the operands of products, as `bf16-mixed` training does.
    /// - Throws: `FormatError.weights` that names the first tensor that does not fit.
    public init(
        _ weights: WeightFile, heads: Int? = nil, layer: Int = -1, autocast: Autocast = .off,
        on backend: any Backend
    ) throws(FormatError) {
        var reader = VisionWeightReader(try HuggingFaceDINOv3.renamed(weights))
        sizes = try VisionTransformerSizes(
            reader, registers: Self.registerNames, heads: heads, headMultiple: 4)
        let width = sizes.width
        let prefix =
            try reader.floats("cls_token", [1, 1, width])
            + reader.floats(
                Self.registerNames[0], aliases: Array(Self.registerNames.dropFirst()), [1, sizes.registers, width])
        transformer = try VisionTransformer(
            &reader, sizes, prefix: prefix, epsilon: 1e-5,
            layerScale: (["gamma_1", "ls1.gamma"], ["gamma_2", "ls2.gamma"]), layer: layer, autocast: autocast,
            on: backend
        ) { reader, block throws(FormatError) in
            try Self.qkvBias(&reader, of: "\(block).attn", width: width)
        }
        fingerprint = try reader.finish(
            architecture: "dinov3 heads \(sizes.heads)" + (layer == -1 ? "" : " layer \(layer)"),
            ignoring: Self.isHarmless)
    }

    /// Bias of q, k and v, of which k's is zero: `q_bias` and `v_bias` (timm), or `qkv.bias` whose middle third a mask
    /// turns off (Meta). None at all in most models, where Meta's files have zeros.
    private static func qkvBias(
        _ reader: inout VisionWeightReader, of attention: String, width: Int
    ) throws(FormatError) -> [Float]? {
        let zeros = [Float](repeating: 0, count: width)
        let names = (q: "\(attention).q_bias", v: "\(attention).v_bias")
        if reader.has(names.q) || reader.has(names.v) {
            return try reader.floats(names.q, [width]) + zeros + reader.floats(names.v, [width])
        }
        let whole = "\(attention).qkv.bias"
        guard reader.has(whole) else { return nil }
        let bias = try reader.take(whole, [3 * width])
        let (q, k, v) = (bias[..<width], bias[width..<2 * width], bias[(2 * width)...])
        guard reader.has("\(attention).qkv.bias_mask") || k.allSatisfy({ $0 == 0 }) else {
            throw reader.fault(.unexpected(whole))
        }
        guard !(q.allSatisfy { $0 == 0 } && v.allSatisfy { $0 == 0 }) else { return nil }
        reader.record(names.q, shape: [width], values: Array(q))
        reader.record(names.v, shape: [width], values: Array(v))
        return q + zeros + v
    }

    /// Tensors without influence on the features: what only training uses, constants, and classifiers.
    private static func isHarmless(_ name: String) -> Bool {
        name == "mask_token" || name.hasPrefix("rope_embed.") || name.hasSuffix(".attn.qkv.bias_mask")
            || name.hasPrefix("head.")
    }

    public var featureWidth: Int { sizes.width }
    public var patchSize: Int { sizes.patchSize }

    public func callAsFunction(_ frames: Tensor, on backend: any Backend) -> Tensor {
        transformer.features(frames, on: backend, positions)
    }

    /// All normalised tokens of frames u8 `[B, T, 3, H, W]`: `[B T, 1 + registers + N, D]`.
    /// - Parameter observer: gets intermediate activations, valid during the call only.
    package func tokens(
        _ frames: Tensor, observer: ((_ name: String, _ activation: Tensor) -> Void)? = nil
    ) -> Tensor {
        transformer.tokens(frames, observer: observer, positions)
    }

    /// Cosines and sines by which the patches of a grid turn, `[N, head width / 2]`.
    package func rotation(rows: Int, columns: Int) -> (cosines: Tensor, sines: Tensor) {
        let table = rotation(PatchGrid(rows: rows, columns: columns))
        return (table.cosines, table.sines)
    }

    private func positions(_ grid: PatchGrid) -> VisionTransformer.Positions {
        VisionTransformer.Positions(rotation: rotation(grid))
    }

    private func rotation(_ grid: PatchGrid) -> RotaryPositions {
        if let known = rotations[grid] { return known }
        let made = RotaryPositions(
            rows: grid.rows, columns: grid.columns, headWidth: sizes.width / sizes.heads, on: transformer.backend)
        rotations[grid] = made
        return made
    }
}
