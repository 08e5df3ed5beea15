import Tensor

/// Layer normalisation over the last axis with an affine map: `torch.nn.LayerNorm`.
public struct LayerNorm {
    public let weight: Parameter
    public let bias: Parameter
    public let epsilon: Float

    public init(_ scope: ParameterScope, _ width: Int, epsilon: Float = 1e-5) {
        weight = scope.parameter("weight", [width], .ones)
        bias = scope.parameter("bias", [width], .zeros)
        self.epsilon = epsilon
    }

    /// - Parameter output: type of the result; nil for the tape's `activationType`, as what follows is a product.
    public func callAsFunction(_ x: Tensor, _ tape: Tape, output: DType? = nil) -> Tensor {
        tape.layerNorm(x, weight: weight, bias: bias, epsilon: epsilon, output: output ?? tape.activationType)
    }
}
