import NN
import Tensor

/// Multi-head attention with one matrix for q, k and v: `torch.nn.MultiheadAttention`.
struct PackedAttention {
    let heads: Int
    private let inWeight: Parameter
    private let inBias: Parameter
    private let out: Linear

    init(_ scope: ParameterScope, width: Int, heads: Int) {
        precondition(width % heads == 0, "\(heads) heads do not divide the width \(width)")
        self.heads = heads
        // Xavier's bound for [3 width, width].
        let bound = (6 / Float(4 * width)).squareRoot()
        inWeight = scope.parameter("in_proj_weight", [3 * width, width], .uniform(bound: bound))
        inBias = scope.parameter("in_proj_bias", [3 * width], .zeros)
        out = Linear(scope("out_proj"), in: width, out: width, startsWithoutBias: true)
    }

    /// q, k and v side by side, `[..., 3 E]`.
    func projections(_ x: Tensor, _ tape: Tape) -> Tensor {
        tape.linear(x, weight: inWeight, bias: inBias, output: tape.activationType)
    }

    /// Attention of all tokens of `[B, S, 3E]` to each other, projected: `[B, S, E]`.
    func callAsFunction(_ qkv: Tensor, _ tape: Tape) -> Tensor { out(attended(qkv, tape), tape) }

    func callAsFunction(_ qkv: Tensor, _ tape: Tape, addedTo residual: Tensor) -> Tensor {
        out(attended(qkv, tape), tape, addedTo: residual)
    }

    /// Attention of queries to the tokens of several tensors, projected and added.
    func callAsFunction(queries: Tensor, keys: [Tensor], _ tape: Tape, addedTo residual: Tensor) -> Tensor {
        out(tape.crossAttention(queries, to: keys, heads: heads), tape, addedTo: residual)
    }

    private func attended(_ qkv: Tensor, _ tape: Tape) -> Tensor {
        let layout = AttentionLayout.spatial(batch: qkv.shape[0], frames: 1, tokens: qkv.shape[1], heads: heads)
        return tape.attention(qkv, layout: layout)
    }
}
