/// What follows the product of a `linear` map.
public enum Activation: Sendable {
    case none
    /// Exact (erf) GELU.
    case gelu
}

extension Tape {
    /// `y = activation(x W^T + b)`, `W` `[N, K]`, for `x` `[..., K]`; result `[..., N]`.
    ///
    /// With `g = dy * activation'`:  `dx = g W`,  `dW = g^T x`,  `db = sum over rows of g`.
    ///
    /// - Parameter output: type of the result; an activated one has the tape's `activationType`.
    public func linear(
        _ x: Tensor, weight: Parameter, bias: Parameter?, activation: Activation = .none, output: DType = .f32
    ) -> Tensor {
        let type = activation == .none ? output : activationType
        let out = backend.empty(x.shape.dropLast() + [weight.shape[0]], type)
        let operand = operand(x)
        var slope: Tensor?
        switch activation {
        case .none:
            backend.linear(operand, weight: weight.value, bias: bias?.value, epilogue: .none, into: out)
        case .gelu:
            slope = isRecording ? backend.empty(out.shape, type) : nil
            backend.linear(
                operand, weight: weight.value, bias: bias?.value, epilogue: .gelu(derivative: slope), into: out)
        }
        return record(out, from: [x], trainsParameters: weight.isTrainable) { [self] gradient in
            if let slope { backend.multiply(gradient, slope, into: gradient) }
            linearBackward(gradient, x: x, operand: operand, weight: weight, bias: bias)
        }
    }

    /// `y = residual + x W^T + b`: the end of a residual branch, without a pass of its own for the addition.
    public func linear(_ x: Tensor, weight: Parameter, bias: Parameter?, addedTo residual: Tensor) -> Tensor {
        let out = backend.empty(residual.shape)
        let operand = operand(x)
        backend.linear(operand, weight: weight.value, bias: bias?.value, epilogue: .residual(residual), into: out)
        return record(out, from: [x, residual], trainsParameters: weight.isTrainable) { [self] gradient in
            linearBackward(gradient, x: x, operand: operand, weight: weight, bias: bias)
            accumulate(gradient, into: residual)
        }
    }

    /// - Parameter operand: `x` in the type in which it was multiplied.
    private func linearBackward(_ gradient: Tensor, x: Tensor, operand: Tensor, weight: Parameter, bias: Parameter?) {
        let g = Matrix(self.operand(gradient))
        if let weightGradient = weight.gradient {
            backend.multiply(g.transposed, Matrix(operand), into: weightGradient, accumulate: true)
        }
        if let biasGradient = bias?.gradient { backend.addColumnSums(of: gradient, to: biasGradient) }
        withGradient(of: x) { buffer, accumulates in
            backend.multiply(g, Matrix(weight.value), into: buffer, accumulate: accumulates)
        }
    }

    /// The tensor in the type in which this tape multiplies.
    private func operand(_ x: Tensor) -> Tensor {
        guard x.dtype != activationType else { return x.detached }
        let rounded = backend.empty(x.shape, activationType)
        backend.cast(x, into: rounded)
        return rounded
    }
}
