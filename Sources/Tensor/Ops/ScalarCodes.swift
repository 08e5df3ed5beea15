extension Tape {
    /// Finite scalar quantisation of `x` `[..., channels]`: codes of the same shape, and their indices, i32 `[...]`.
    ///
    /// The gradient passes the rounding: `dx = dy (1 - tanh^2(x + shift)) half / floor(L / 2)`.
    public func scalarCodes(_ x: Tensor, _ levels: ScalarLevels) -> (codes: Tensor, indices: Tensor) {
        precondition(x.shape.last == levels.channels, "codes of \(levels.channels) channels for \(x.shape)")
        let codes = backend.empty(x.shape), indices = backend.empty(Array(x.shape.dropLast()), .i32)
        backend.scalarCodes(x, levels, into: codes, indices: indices)
        let input = x.detached
        let recorded = record(codes, from: [x]) { [self] gradient in
            withGradient(of: x) { buffer, accumulates in
                backend.scalarCodesBackward(gradient, x: input, levels, into: buffer, accumulate: accumulates)
            }
        }
        return (recorded, indices)
    }
}
