extension Tape {
    /// `y = (x - mean(x)) / sqrt(var(x) + epsilon) * weight + bias` over the last axis (Ba et al. 2016).
    ///
    /// With `h = (x - mean) rstd`, `g = dy weight`:  `dx = rstd (g - mean(g) - h mean(g h))`,
    /// `dweight = sum dy h`,  `dbias = sum dy`.
    ///
    /// - Parameter output: type of the result; x is f32.
    public func layerNorm(
        _ x: Tensor, weight: Parameter, bias: Parameter, epsilon: Float, output: DType = .f32
    ) -> Tensor {
        let rows = x.count / weight.count
        let out = backend.empty(x.shape, output)
        let mean = isRecording ? backend.empty([rows]) : nil
        let rstd = isRecording ? backend.empty([rows]) : nil
        backend.layerNorm(
            x, weight: weight.value, bias: bias.value, epsilon: epsilon, into: out, mean: mean, rstd: rstd)
        return record(out, from: [x], trainsParameters: weight.isTrainable) { [self] gradient in
            guard let mean, let rstd else { return }
            // An untracked input needs no gradient, but the pass that makes it also makes the parameters'.
            func run(_ buffer: Tensor, _ accumulates: Bool) {
                backend.layerNormBackward(
                    gradient, x: x, weight: weight.value, mean: mean, rstd: rstd, into: buffer,
                    accumulate: accumulates, dweight: weight.gradient, dbias: bias.gradient)
            }
            if x.isTracked { withGradient(of: x, run) } else { run(backend.empty(x.shape), false) }
        }
    }
}
