import Tensor

/// `y = x W^T + b`: `torch.nn.Linear`.
public struct Linear {
    /// `[out, in]`.
    public let weight: Parameter
    /// `[out]`.
    public let bias: Parameter?

    /// Declares `weight` and, unless `bias` is false, `bias` in `scope`.
    ///
    /// - Parameters:
    ///   - startsAtZero: weight and bias, so that the layer has no effect at first.
    ///   - startsWithoutBias: the bias alone.
    public init(
        _ scope: ParameterScope, in inputs: Int, out outputs: Int, bias hasBias: Bool = true,
        startsAtZero: Bool = false, startsWithoutBias: Bool = false
    ) {
        let random = Initializer.linear(fanIn: inputs)
        weight = scope.parameter("weight", [outputs, inputs], startsAtZero ? .zeros : random)
        bias = hasBias ? scope.parameter("bias", [outputs], startsAtZero || startsWithoutBias ? .zeros : random) : nil
    }

    /// `x` `[..., in]` to `[..., out]`.
    public func callAsFunction(_ x: Tensor, _ tape: Tape) -> Tensor {
        tape.linear(x, weight: weight, bias: bias)
    }

    /// `residual + y`.
    public func callAsFunction(_ x: Tensor, _ tape: Tape, addedTo residual: Tensor) -> Tensor {
        tape.linear(x, weight: weight, bias: bias, addedTo: residual)
    }
}
