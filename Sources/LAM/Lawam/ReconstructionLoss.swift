import Tensor

/// How predicted features are compared with true ones.
public enum ReconstructionLoss: String, Sendable, CaseIterable {
    case l1, l2
    /// `e^2 / 0.2` below 0.1, `|e| - 0.05` above.
    case smoothL1 = "smooth_l1"
    /// `sqrt(e^2 + 1e-6)`.
    case charbonnier
    /// `smooth_l1` of the prediction and the change of features.
    case delta
    /// `smooth_l1`, and 1 less the mean cosine of tokens.
    case cos

    private static let beta: Float = 0.1

    /// Means over all elements of `[B, 1, N, D]`.
    ///
    /// - Parameter current: features that the prediction was made from.
    public func callAsFunction(
        _ recon: Tensor, target: Tensor, current: Tensor, _ tape: Tape
    ) -> Tensor {
        switch self {
        case .l2: return tape.meanSquaredError(recon, target)
        case .l1: return tape.mean(tape.apply(.absolute, tape.difference(recon, target)))
        case .smoothL1, .cos: return smooth(recon, target, tape)
        case .charbonnier:
            let error = tape.difference(recon, target)
            return tape.mean(tape.apply(.squareRoot, tape.affine(tape.product(error, error), 1, offset: 1e-6)))
        case .delta:
            let constants = Tape(on: tape.backend, recording: false)
            return smooth(recon, constants.difference(target.detached, current.detached), tape)
        }
    }

    private func smooth(_ recon: Tensor, _ target: Tensor, _ tape: Tape) -> Tensor {
        tape.mean(tape.apply(.smoothAbsolute(beta: Self.beta), tape.difference(recon, target)))
    }

    /// What the loss as a whole has beyond that; nil for most.
    package func extra(_ recon: Tensor, target: Tensor, _ tape: Tape) -> Tensor? {
        guard self == .cos else { return nil }
        return tape.affine(Self.cosine(recon, target, tape), -1, offset: 1)
    }

    /// Mean cosine of tokens.
    static func cosine(_ recon: Tensor, _ target: Tensor, _ tape: Tape) -> Tensor {
        let rows = recon.count / (recon.shape.last ?? 1)
        let constants = Tape(on: tape.backend, recording: false)
        let unit = tape.unitRows(recon, floor: 1e-8), other = constants.unitRows(target.detached, floor: 1e-8)
        return tape.mean(tape.rowProducts(unit, other, rows: rows))
    }
}

/// How a predicted change of state is compared with the true one.
public enum StateLoss: String, Sendable, CaseIterable {
    case l1, l2

    /// The weighted sum of errors.
    ///
    /// - Parameter weights: of each number, `[B, S]`.
    package func callAsFunction(_ prediction: Tensor, _ delta: Tensor, weights: Tensor, _ tape: Tape) -> Tensor {
        let error = tape.difference(prediction, delta)
        let values = self == .l1 ? tape.apply(.absolute, error) : tape.product(error, error)
        return tape.rowProducts(values, weights, rows: 1).reshaped([])
    }
}
