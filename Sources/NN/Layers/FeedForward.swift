import Tensor

/// `Linear(E, H)`, exact GELU, `Linear(H, E)`, where H is 4 E unless said otherwise. The names leave room for the original's activation and dropout layers.
public struct FeedForward {
    let expand: Linear
    let project: Linear

    public init(_ scope: ParameterScope, width: Int, hidden: Int? = nil) {
        expand = Linear(scope(0), in: width, out: hidden ?? 4 * width)
        project = Linear(scope(3), in: hidden ?? 4 * width, out: width)
    }

    public func callAsFunction(_ x: Tensor, _ tape: Tape, addedTo residual: Tensor) -> Tensor {
        tape.feedForward(
            x, expand: (expand.weight, expand.bias), project: (project.weight, project.bias), addedTo: residual)
    }
}
