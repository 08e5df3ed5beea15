extension Tape {
    /// Multi-head scaled dot-product attention: `softmax(q k^T / sqrt(d) + mask) v` for each head of each sequence.
    ///
    /// Probabilities are never stored; the backward pass makes them again from `qkv`:
    /// `dV = P^T dO`,  `dP = dO V^T`,  `dS = P (dP - sum P dP)`,  `dQ = dS K / sqrt(d)`,  `dK = dS^T Q / sqrt(d)`.
    ///
    /// - Parameters:
    ///   - qkv: `[..., 3E]`, q, k and v of each token side by side.
    ///   - keyMask: `[layout.outerCount, layout.length]`, 0 for keys that may be seen and -inf for the others.
    /// - Returns: `[..., E]`.
    public func attention(_ qkv: Tensor, layout: AttentionLayout, keyMask: Tensor? = nil) -> Tensor {
        let out = backend.empty(qkv.shape.dropLast() + [qkv.shape[qkv.shape.count - 1] / 3], qkv.dtype)
        backend.attention(qkv, layout: layout, keyMask: keyMask, into: out)
        return record(out, from: [qkv]) { [self] gradient in
            let dqkv = backend.empty(qkv.shape, qkv.dtype)
            backend.attentionBackward(gradient, qkv: qkv, layout: layout, keyMask: keyMask, into: dqkv)
            accumulate(dqkv, into: qkv)
        }
    }
}
