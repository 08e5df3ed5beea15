/// What samples do with vectors and queries of their own.
extension Tape {
    /// `x (1 + scale) + shift` for all tokens of `x` `[B, S, E]`, with `scale` and `shift` of as many elements as `[B, E]`.
    public func modulate(_ x: Tensor, scale: Tensor, shift: Tensor) -> Tensor {
        let out = backend.empty(x.shape)
        let (values, factors) = (x.detached, scale.detached)
        backend.scaleSamples(values, by: factors, adding: values, shift: shift.detached, into: out)
        return record(out, from: [x, scale, shift]) { [self] gradient in
            let own = x.isTracked ? backend.empty(x.shape) : nil
            let dscale = backend.empty(scale.shape), dshift = backend.empty(shift.shape)
            backend.scaleSamplesBackward(
                gradient, x: values, factors: factors, into: own, accumulate: false, dfactors: dscale, dshift: dshift)
            if let own {
                backend.add(own, gradient, into: own)
                accumulate(own, into: x)
            }
            accumulate(dscale, into: scale)
            accumulate(dshift, into: shift)
        }
    }

    /// `residual + gate x` for all tokens of `x` `[B, S, E]`, with a gate of as many elements as `[B, E]`.
    public func gate(_ x: Tensor, by gate: Tensor, addedTo residual: Tensor) -> Tensor {
        let out = backend.empty(x.shape)
        let (values, factors) = (x.detached, gate.detached)
        backend.scaleSamples(values, by: factors, adding: residual.detached, shift: nil, into: out)
        return record(out, from: [x, gate, residual]) { [self] gradient in
            let dgate = backend.empty(gate.shape)
            writeGradient(of: x.slot) { buffer, accumulates in
                backend.scaleSamplesBackward(
                    gradient, x: values, factors: factors, into: buffer, accumulate: accumulates, dfactors: dgate,
                    dshift: nil)
            }
            accumulate(dgate, into: gate)
            accumulate(gradient, into: residual)
        }
    }

    /// Attention of queries, whose q, k and v `[B, Q, 3E]` lie side by side, to the keys and values of several tensors `[B, S,
    /// 3E]`: `[B, Q, E]`. The queries see each other where they are among the keys.
    public func crossAttention(_ queries: Tensor, to keys: [Tensor], heads: Int) -> Tensor {
        let out = backend.empty([queries.shape[0], queries.shape[1], queries.shape[2] / 3], queries.dtype)
        let (own, others) = (queries.detached, keys.map(\.detached))
        backend.crossAttention(own, keys: others, heads: heads, into: out)
        return record(out, from: [queries] + keys) { [self] gradient in
            let dqueries = backend.empty(own.shape, own.dtype)
            let dkeys = others.map { backend.empty($0.shape, $0.dtype) }
            backend.crossAttentionBackward(
                gradient, queries: own, keys: others, heads: heads, into: dqueries, dkeys)
            for (slope, input) in zip([dqueries] + dkeys, [queries] + keys) { accumulate(slope, into: input) }
        }
    }

    /// `x W` for a matrix that is stored `[in, out]`: `[..., in]` to `[..., out]`, in f32. `dx = dy W^T`, `dW = x^T dy`.
    public func product(_ x: Tensor, columnsOf weight: Parameter) -> Tensor {
        precondition(x.shape.last == weight.shape[0], "\(x.shape) times \(weight.shape)")
        let out = backend.empty(x.shape.dropLast() + [weight.shape[1]])
        let input = x.detached
        let nothing = LinearGradients(weight: nil, bias: nil)
        backend.linearBackward(
            input, x: { input }, weight: weight.value, gradients: nothing, into: out, accumulate: false)
        return record(out, from: [x], training: [weight]) { [self] gradient in
            if let sum = weight.gradient {
                backend.linearBackward(
                    input, x: { gradient }, weight: weight.value, gradients: LinearGradients(weight: sum, bias: nil),
                    into: nil, accumulate: false)
            }
            guard x.isTracked else { return }
            let own = backend.empty(x.shape)
            backend.linear(gradient, weight: weight.value, bias: nil, epilogue: .none, into: own)
            accumulate(own, into: x)
        }
    }

    /// A tensor in the tape's `activationType`. Gradient: cast back.
    public func cast(_ x: Tensor) -> Tensor {
        guard x.dtype != activationType else { return x }
        let out = backend.empty(x.shape, activationType)
        backend.cast(x, into: out)
        return record(out, from: [x]) { [self] gradient in
            let own = backend.empty(x.shape, x.dtype)
            backend.cast(gradient, into: own)
            accumulate(own, into: x)
        }
    }
}
