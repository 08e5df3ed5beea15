/// Weight `[N, K]` and bias `[N]` of `x weight^T + bias`.
public struct LinearMap {
    /// `[out, in]`.
    public let weight: Tensor
    /// `[out]`.
    public let bias: Tensor?

    public init(weight: Tensor, bias: Tensor? = nil) {
        self.weight = weight
        self.bias = bias
    }
}

/// Where the gradients of a linear map are added; nil for those that nobody needs.
public struct LinearGradients {
    public let weight: Tensor?
    public let bias: Tensor?

    public init(weight: Tensor?, bias: Tensor?) {
        self.weight = weight
        self.bias = bias
    }
}

/// What a linear map does to its product besides the bias.
public enum LinearEpilogue {
    case none
    /// Adds a tensor of the output's shape, which may be the output itself: the skip connection.
    case residual(Tensor)
    /// Applies the exact GELU.
    case gelu
    /// Applies the tanh approximation of the GELU.
    case tanhGELU
    /// Applies max(0, x).
    case relu
}
