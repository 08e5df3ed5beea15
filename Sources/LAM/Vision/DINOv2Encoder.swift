import Formats
import Foundation
import Tensor

/// `vision_encoder: dinov2-vitb14-reg`: a frozen DINOv2 vision transformer (Oquab et al. 2023; registers: Darcet et al.
/// 2023), torch hub's `dinov2_vitb14_reg`, `dinov2_vitb14` and their other sizes up to ViT-L.
///
/// Patches get learned positions, interpolated to the frames' grid.
public final class DINOv2Encoder: VisionEncoder {
    public let sizes: VisionTransformerSizes
    /// Equal for equal weights, whatever file or naming they come from.
    public let fingerprint: String
    private let transformer: VisionTransformer
    private let interpolation: PositionInterpolation
    /// Positions of CLS `[E]` and of the learned grid's patches `[side, side, E]`.
    private let classPosition: [Float]
    private let patchPositions: [Float]
    private let side: Int
    private var tables: [PatchGrid: Tensor] = [:]

    /// - Parameters:
    ///   - weights: torch hub's names or those of Hugging Face's transformers; or a LAM checkpoint that contains its encoder.
    ///   - registers: whether the model has register tokens. The two kinds also interpolate positions differently.
    ///   - heads: nil where heads are 64 wide, as in all published models.
    ///   - autocast: bf16 rounds the operands of products, as `bf16-mixed` training does.
    /// - Throws: `FormatError.weights` that names the first tensor that does not fit.
    public init(
        _ weights: WeightFile, registers: Bool = true, heads: Int? = nil, autocast: Autocast = .off,
        on backend: any Backend
    ) throws(FormatError) {
        var reader = VisionWeightReader(try HuggingFaceDINOv2.renamed(weights))
        sizes = try VisionTransformerSizes(
            reader, registers: registers ? ["register_tokens"] : nil, heads: heads, headMultiple: 1)
        let width = sizes.width
        interpolation = registers ? .antialiased : .offsetScale

        let positionName = "pos_embed"
        let shape = try reader.tensor([positionName]).shape
        let side = shape.count == 3 ? Int(Double(max(0, shape[1] - 1)).squareRoot()) : 0
        guard side > 0, shape == [1, 1 + side * side, width] else {
            throw reader.fault(.sizes(positionName, shape: shape, expected: "shape [1, 1 + a square, \(width)]"))
        }
        self.side = side
        let positions = try reader.floats(positionName, shape)
        classPosition = Array(positions[..<width])
        patchPositions = Array(positions[width...])
        // The first token has its position, the registers that follow it have none.
        var prefix = zip(try reader.floats("cls_token", [1, 1, width]), classPosition).map { $0 + $1 }
        if registers { prefix += try reader.floats("register_tokens", [1, sizes.registers, width]) }
        transformer = try VisionTransformer(
            &reader, sizes, prefix: prefix, epsilon: 1e-6, layerScale: (["ls1.gamma"], ["ls2.gamma"]),
            autocast: autocast, on: backend
        ) { reader, block throws(FormatError) in
            try reader.floats("\(block).attn.qkv.bias", [3 * width])
        }
        fingerprint = try reader.finish(architecture: "dinov2 heads \(sizes.heads)") {
            $0 == "mask_token" || $0.hasPrefix("head.")
        }
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

    /// Positions of CLS and of a grid's patches, `[1 + N, D]`.
    package func positionTable(rows: Int, columns: Int) -> [Float] {
        classPosition
            + interpolation(patchPositions, side: side, channels: sizes.width, rows: rows, columns: columns)
    }

    private func positions(_ grid: PatchGrid) -> VisionTransformer.Positions {
        if let known = tables[grid] { return VisionTransformer.Positions(added: known) }
        let table = interpolation(
            patchPositions, side: side, channels: sizes.width, rows: grid.rows, columns: grid.columns)
        let made = transformer.backend.tensor(table, [grid.count, sizes.width])
        tables[grid] = made
        return VisionTransformer.Positions(added: made)
    }
}
