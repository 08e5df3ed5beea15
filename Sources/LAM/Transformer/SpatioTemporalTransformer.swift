import NN
import Tensor

// Axes: B batch, T frames, S tokens of a frame, E model width, D feature width.

/// The encoder: a stem and blocks of spatial attention, causal temporal attention and a feed-forward network, pre-norm
/// (SPEC_LAM §2.3-4).
public struct SpatioTemporalTransformer {
    private let stem: TokenStem
    private let blocks: [SpatioTemporalBlock]
    private let scope: String

    public init(_ scope: ParameterScope, inputWidth: Int, width: Int, blocks: Int, heads: Int) {
        self.scope = scope.name
        stem = TokenStem(scope("ffn"), inputWidth: inputWidth, width: width)
        self.blocks = (0..<blocks).map {
            SpatioTemporalBlock(scope("transformer_blocks")($0), width: width, heads: heads)
        }
    }

    /// `tokens` `[B, T, S, D]` to `[B, T, S, E]`; S grows by the tokens of `appended`.
    public func callAsFunction(_ tokens: Tensor, appending appended: AppendedTokens? = nil, _ tape: Tape) -> Tensor {
        var xBTSE = stem(tokens, appending: appended, tape, name: scope)
        for (index, block) in blocks.enumerated() {
            xBTSE = tape.checkpoint(xBTSE) { [scope] x, tape in
                block(x, keyMask: appended?.keyMask, tape, name: "\(scope).block\(index)")
            }
        }
        return xBTSE
    }
}

/// `x += SpatialAttention(LN(x))`, `x += TemporalAttention(LN(x))`, `x += FFN(LN(x))`.
struct SpatioTemporalBlock {
    let spatialAttention: SelfAttention
    let temporalAttention: SelfAttention
    let feedForward: FeedForward
    let norm1: LayerNorm
    let norm2: LayerNorm
    let norm3: LayerNorm

    init(_ scope: ParameterScope, width: Int, heads: Int) {
        spatialAttention = SelfAttention(scope("spatial_attn"), width: width, heads: heads)
        temporalAttention = SelfAttention(scope("temporal_attn"), width: width, heads: heads)
        feedForward = FeedForward(scope("ffn"), width: width)
        norm1 = LayerNorm(scope("norm1"), width)
        norm2 = LayerNorm(scope("norm2"), width)
        norm3 = LayerNorm(scope("norm3"), width)
    }

    func callAsFunction(_ x: Tensor, keyMask: Tensor?, _ tape: Tape, name: String) -> Tensor {
        let (batch, frames, tokens) = (x.shape[0], x.shape[1], x.shape[2])
        let spatial = AttentionLayout.spatial(
            batch: batch, frames: frames, tokens: tokens, heads: spatialAttention.heads)
        let temporal = AttentionLayout.causalTemporal(
            batch: batch, frames: frames, tokens: tokens, heads: temporalAttention.heads)
        let afterSpatial = spatialAttention(norm1(x, tape), tape, addedTo: x, layout: spatial, keyMask: keyMask)
        tape.observe("\(name).spatial_attn", branch: afterSpatial, over: x)
        let afterTemporal = temporalAttention(norm2(afterSpatial, tape), tape, addedTo: afterSpatial, layout: temporal)
        tape.observe("\(name).temporal_attn", branch: afterTemporal, over: afterSpatial)
        let out = feedForward(norm3(afterTemporal, tape), tape, addedTo: afterTemporal)
        tape.observe("\(name).ffn", branch: out, over: afterTemporal)
        tape.observe(name, out)
        return out
    }
}
