import Tensor

/// How a frozen encoder's features are normalised, without parameters.
public enum FeatureNormalization: String, Sendable, CaseIterable {
    /// Each token less its mean, divided by its deviation.
    case ln
    /// Each token divided by its length.
    case l2
    /// LaWAM's `SyncBatchNorm`, which is never in training mode, so that its averages stay 0 and 1: features keep their values
    /// but for a factor.
    case bn

    private static let epsilon: Float = 1e-5
    private static let smallestLength: Float = 1e-12

    /// Constants of the shape of `features` `[..., F]`.
    package func callAsFunction(_ features: Tensor, on backend: any Backend) -> Tensor {
        let tape = Tape(on: backend, recording: false)
        return switch self {
        case .ln: tape.layerNorm(features, epsilon: Self.epsilon)
        case .l2: tape.unitRows(features, floor: Self.smallestLength)
        case .bn: tape.affine(features, 1 / (1 + Self.epsilon).squareRoot())
        }
    }
}
