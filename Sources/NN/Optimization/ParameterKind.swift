/// What a parameter is other than a matrix of weights, by its name and shape; for rules such as "no weight decay on
/// biases and norms".
public enum ParameterKind: String, CaseIterable, Sendable {
    case bias
    /// The scale of a norm. Its bias is a `bias`.
    case norm
    /// Rows that stand for themselves: the codebook, learnt tokens and positions.
    case embedding

    /// Nil for the weights of a linear layer or a convolution.
    public init?(name: String, shape: [Int]) {
        let last = name.split(separator: ".").last ?? ""
        if last.hasSuffix("bias") || last == "b" {
            self = .bias
        } else if last == "W" || last == "in_proj_weight" {
            return nil
        } else if name.hasSuffix(".codebook.weight") || (last != "weight" && shape.count > 1) {
            self = .embedding
        } else if shape.count == 1 {
            self = .norm
        } else {
            return nil
        }
    }
}
