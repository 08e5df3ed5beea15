import Tensor

/// Multi-head self-attention with bias-free q, k, v and an output projection (SPEC_LAM §2).
public struct SelfAttention {
    public let heads: Int
    let toQ: Linear
    let toK: Linear
    let toV: Linear
    let toOut: Linear

    public init(_ scope: ParameterScope, width: Int, heads: Int) {
        precondition(width % heads == 0, "\(heads) heads do not divide the width \(width)")
        self.heads = heads
        toQ = Linear(scope("to_q"), in: width, out: width, bias: false)
        toK = Linear(scope("to_k"), in: width, out: width, bias: false)
        toV = Linear(scope("to_v"), in: width, out: width, bias: false)
        toOut = Linear(scope("to_out")(0), in: width, out: width)
    }

    /// - Parameters:
    ///   - x: `[..., E]`, already normalised.
    ///   - residual: what the result is added to, of the same shape.
    ///   - layout: which tokens attend to each other.
    ///   - keyMask: see `Tape.attention`.
    public func callAsFunction(
        _ x: Tensor, _ tape: Tape, addedTo residual: Tensor, layout: AttentionLayout, keyMask: Tensor? = nil
    ) -> Tensor {
        // The three projections follow each other in the store: one product makes q, k and v side by side.
        let projections = Parameter.stackedRows([toQ.weight, toK.weight, toV.weight])
        let qkv = tape.linear(x, weight: projections, bias: nil, output: tape.activationType)
        return toOut(tape.attention(qkv, layout: layout, keyMask: keyMask), tape, addedTo: residual)
    }
}
