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
        let out = backend.empty(x.shape, output)
        let kept = backend.layerNorm(
            x, weight: weight.value, bias: bias.value, epsilon: epsilon, into: out, keeps: isRecording)
        guard let kept else { return record(out, from: [x], training: [weight, bias]) { _ in } }
        let input = x.slot
        let recorded = record(out, from: [x], training: [weight, bias]) { [self] gradient in
            writeGradient(of: input) { buffer, accumulates in
                backend.layerNormBackward(
                    gradient, kept: kept, weight: weight.value, into: buffer, accumulate: accumulates,
                    dweight: weight.gradient, dbias: bias.gradient)
            }
        }
        if let recipe = backend.layerNormRecipe(kept, weight: weight.value, bias: bias.value) {
            remember(recorded, recipe)
        }
        return recorded
    }

    /// The same without a weight and a bias.
    public func layerNorm(_ x: Tensor, epsilon: Float, output: DType = .f32) -> Tensor {
        let width = x.shape[x.shape.count - 1]
        let parts = [Float(1), 0].map { value in
            let constant = backend.empty([width])
            backend.fill(constant, with: value)
            let parameter = Parameter(name: "\(value)", shape: [width], isTrainable: false)
            parameter.place(value: constant, gradient: nil)
            return parameter
        }
        return layerNorm(x, weight: parts[0], bias: parts[1], epsilon: epsilon, output: output)
    }
}
