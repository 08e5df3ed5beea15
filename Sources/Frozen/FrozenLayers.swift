import Tensor

extension LinearMap {
    /// - Parameter y: gets the rows; of `x`'s shape but for the last axis.
    public func callAsFunction(
        _ x: Tensor, _ epilogue: LinearEpilogue = .none, into y: Tensor, on backend: any Backend
    ) {
        backend.linear(x, weight: weight, bias: bias, epilogue: epilogue, into: y)
    }
}

/// A normalisation of a frozen network: a layer norm, or an RMS norm where there is no bias.
public struct FrozenNorm {
    /// `[E]`.
    public let weight: Tensor
    public let bias: Tensor?
    public let epsilon: Float

    public init(weight: Tensor, bias: Tensor? = nil, epsilon: Float) {
        (self.weight, self.bias, self.epsilon) = (weight, bias, epsilon)
    }

    public func callAsFunction(_ x: Tensor, into y: Tensor, on backend: any Backend) {
        if let bias {
            backend.layerNorm(x, weight: weight, bias: bias, epsilon: epsilon, into: y)
        } else {
            backend.rmsNorm(x, weight: weight, epsilon: epsilon, into: y)
        }
    }
}
