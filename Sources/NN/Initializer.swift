import Randomness

/// How a parameter starts. The distributions are PyTorch's defaults; the order of draws is not.
public enum Initializer: Sendable, Equatable {
    case zeros
    case ones
    /// Uniform in `-bound ..< bound`.
    case uniform(bound: Float)
    /// Normal around 0.
    case normal(deviation: Float)

    /// PyTorch's default for a linear layer's weight and bias: `bound = 1 / sqrt(fanIn)`.
    public static func linear(fanIn: Int) -> Initializer { .uniform(bound: 1 / Float(fanIn).squareRoot()) }

    /// `count` initial values, drawn from `generator`.
    public func values(_ count: Int, _ generator: inout RandomGenerator) -> [Float] {
        switch self {
        case .zeros: [Float](repeating: 0, count: count)
        case .ones: [Float](repeating: 1, count: count)
        case .uniform(let bound):
            (0..<count).map { _ in Float(generator.uniform(in: -Double(bound)...Double(bound))) }
        case .normal(let deviation): (0..<count).map { _ in deviation * Float(generator.normal()) }
        }
    }
}
