extension Tape {
    /// Scalar mean of `(a - b)^2` over all elements. `da = 2 (a - b) / n`, `db = -da`.
    public func meanSquaredError(_ a: Tensor, _ b: Tensor) -> Tensor {
        let out = backend.empty([])
        backend.meanSquaredError(a, b, into: out)
        return record(out, from: [a, b]) { [self] gradient in
            for (input, sign) in [(a, Float(1)), (b, -1)] {
                withGradient(of: input) { buffer, accumulates in
                    backend.meanSquaredErrorBackward(
                        a, b, scale: gradient, sign: sign, into: buffer, accumulate: accumulates)
                }
            }
        }
    }

    /// Scalar `sum of weight_i * term_i`. `dterm_i = weight_i`.
    public func weightedSum(_ terms: [(tensor: Tensor, weight: Float)]) -> Tensor {
        let out = backend.empty([])
        backend.weightedSum(terms, into: out)
        return record(out, from: terms.map(\.tensor)) { [self] gradient in
            for (term, weight) in terms {
                let scaled = backend.empty([])
                backend.scale(gradient, by: weight, into: scaled)
                accumulate(scaled, into: term)
            }
        }
    }
}
