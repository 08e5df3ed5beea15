import NN
import Tensor

/// The decoder: a stem, blocks of spatial attention and a feed-forward network, and an output projection (SPEC_LAM
/// §2.8).
public struct SpatialTransformer {
    private let stem: TokenStem
    private let blocks: [SpatialBlock]
    private let out: Linear
    private let scope: String

    public init(
        _ scope: ParameterScope, inputWidth: Int, width: Int, outputWidth: Int, blocks: Int, heads: Int
    ) {
        self.scope = scope.name
        stem = TokenStem(scope("ffn"), inputWidth: inputWidth, width: width)
        self.blocks = (0..<blocks).map { SpatialBlock(scope("transformer_blocks")($0), width: width, heads: heads) }
        out = Linear(scope("out"), in: width, out: outputWidth)
    }

    /// `tokens` `[B, T, S, E]` to `[B, T, S, D]`; S grows by the tokens of `appended`.
    public func callAsFunction(_ tokens: Tensor, appending appended: AppendedTokens? = nil, _ tape: Tape) -> Tensor {
        var xBTSE = stem(tokens, appending: appended, tape, name: scope)
        for (index, block) in blocks.enumerated() {
            xBTSE = tape.checkpoint(xBTSE) { [scope] x, tape in
                block(x, keyMask: appended?.keyMask, tape, name: "\(scope).block\(index)")
            }
        }
        let outBTSD = out(xBTSE, tape)
        tape.observe("\(scope).out_all_tokens", outBTSD)
        return outBTSD
    }
}

/// `x += SpatialAttention(LN(x))`, `x += FFN(LN(x))`.
struct SpatialBlock {
    let spatialAttention: SelfAttention
    let feedForward: FeedForward
    let norm1: LayerNorm
    let norm2: LayerNorm

    init(_ scope: ParameterScope, width: Int, heads: Int) {
        spatialAttention = SelfAttention(scope("spatial_attn"), width: width, heads: heads)
        feedForward = FeedForward(scope("ffn"), width: width)
        norm1 = LayerNorm(scope("norm1"), width)
        norm2 = LayerNorm(scope("norm2"), width)
    }

    func callAsFunction(_ x: Tensor, keyMask: Tensor?, _ tape: Tape, name: String) -> Tensor {
        let spatial = AttentionLayout.spatial(
            batch: x.shape[0], frames: x.shape[1], tokens: x.shape[2], heads: spatialAttention.heads)
        let afterSpatial = spatialAttention(norm1(x, tape), tape, addedTo: x, layout: spatial, keyMask: keyMask)
        tape.observe("\(name).spatial_attn", branch: afterSpatial, over: x)
        let out = feedForward(norm2(afterSpatial, tape), tape, addedTo: afterSpatial)
        tape.observe("\(name).ffn", branch: out, over: afterSpatial)
        tape.observe(name, out)
        return out
    }
}
