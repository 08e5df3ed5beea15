import NN
import Tensor

// Axes: B batch, F frames, N patches, D feature width, n latents of a pair, L latent width, W numbers of a label.

/// A model of any family whose loss has further terms: a head that predicts labels of the action's latents, where some pairs have
/// some (a few suffice: Nikulin et al., "Latent Action Learning Requires Supervision in the Presence of Distractors", 2025), and
/// terms that make latents of neighbouring pairs behave as displacements do.
public final class AuxiliaryModel: LatentActionModeling {
    /// Tensors of the head, which prediction has no use for, begin so.
    public static let headName = "label_head"

    /// What squares add up to at least.
    private static let smallest: Float = 1e-12

    private let base: any LatentActionModeling
    private let terms: AuxiliaryTerms
    private let head: Linear?

    /// Declares the head's parameters in `scope`, behind those of the model.
    public init(_ base: any LatentActionModeling, _ scope: ParameterScope, _ terms: AuxiliaryTerms) {
        (self.base, self.terms) = (base, terms)
        head =
            terms.labelWidth > 0 ? Linear(scope(Self.headName), in: base.action.width, out: terms.labelWidth) : nil
    }

    public var family: any ModelFamily { base.family }
    public var tokensBeforePatches: Int { base.tokensBeforePatches }
    public var latentParts: [LatentPart] { base.latentParts }
    public var predictsFeatures: Bool { base.predictsFeatures }

    public var lossNames: [LossName] {
        var names = base.lossNames
        if head != nil { names.append(LossName("label_loss", "label loss")) }
        if terms.reversalWeight > 0 { names.append(LossName("reversal_loss", "reversal loss")) }
        if terms.additivityWeight > 0 { names.append(LossName("additivity_loss", "additivity loss")) }
        return names
    }

    public func forwardFLOPs(patches: Int) -> Double { base.forwardFLOPs(patches: patches) }

    public func reconstruction(of input: LatentActionInput, latents: [Tensor], _ tape: Tape) -> Tensor {
        base.reconstruction(of: input, latents: latents, tape)
    }

    public func encoded(_ input: LatentActionInput, _ tape: Tape) -> Tensor { base.encoded(input, tape) }

    public func callAsFunction(_ input: LatentActionInput, _ tape: Tape) -> LatentActionOutput {
        let output = base(input, tape)
        var added: [(tensor: Tensor, weight: Float)] = []
        if let head { added.append((labelLoss(head, output, input, tape), terms.labelWeight)) }
        if terms.reversalWeight > 0 || terms.additivityWeight > 0 {
            // Terms of pairs that the model's own pass does not see are of the encoder alone.
            let observer = tape.observer
            tape.observer = nil
            defer { tape.observer = observer }
            if terms.reversalWeight > 0 { added.append((reversalLoss(input, tape), terms.reversalWeight)) }
            if terms.additivityWeight > 0 { added.append((additivityLoss(input, tape), terms.additivityWeight)) }
        }
        return output.adding(added, tape)
    }

    /// `sum of weights (head(z) - label)^2`; 0, and no gradient, where no label is known.
    private func labelLoss(
        _ head: Linear, _ output: LatentActionOutput, _ input: LatentActionInput, _ tape: Tape
    ) -> Tensor {
        guard let labels = input.labels, labels.knownCount > 0 else { return tape.backend.zeros([]) }
        let batch = labels.values.shape[0]
        precondition(
            labels.width == terms.labelWidth && output.action.zQ.count == batch * base.action.width,
            "labels \(labels.values.shape) for latents \(output.action.zQ.shape) and a head of \(terms.labelWidth)")
        let prediction = head(output.action.zQ.reshaped([batch, base.action.width]), tape)
        let error = tape.difference(prediction, labels.values)
        return tape.rowProducts(tape.product(error, error), labels.weights, rows: 1).reshaped([])
    }

    /// `|x(0, 1) + x(1, 0)|^2 / (|x(0, 1)|^2 + |x(1, 0)|^2)` of the encoder's outputs for the first two frames.
    private func reversalLoss(_ input: LatentActionInput, _ tape: Tape) -> Tensor {
        let there = latents(0, 1, input, tape), back = latents(1, 0, input, tape)
        return relative(tape.sum(there, back), to: [there, back], tape)
    }

    /// `|x(0, 1) + x(1, last) - x(0, last)|^2` over the sum of the three's squares; 0 of pairs, which evaluations are of.
    private func additivityLoss(_ input: LatentActionInput, _ tape: Tape) -> Tensor {
        let last = input.frames - 1
        guard last >= 2 else { return tape.backend.zeros([]) }
        let first = latents(0, 1, input, tape), second = latents(1, last, input, tape)
        let whole = latents(0, last, input, tape)
        return relative(tape.difference(tape.sum(first, second), whole), to: [first, second, whole], tape)
    }

    /// Squares of `error` over those of `parts`: scaling all latents, which costs a model nothing, does not lower it.
    private func relative(_ error: Tensor, to parts: [Tensor], _ tape: Tape) -> Tensor {
        func squares(_ x: Tensor) -> Tensor { tape.rowProducts(x, x, rows: 1) }
        let whole = parts.map(squares).reduce(nil as Tensor?) { sum, next in sum.map { tape.sum($0, next) } ?? next }
        let floored = tape.affine(whole ?? squares(error), 1, offset: Self.smallest)
        return tape.product(squares(error), tape.apply(.reciprocal, floored)).reshaped([])
    }

    /// What the encoder gives for two frames of a window, of the first view.
    private func latents(_ first: Int, _ second: Int, _ input: LatentActionInput, _ tape: Tape) -> Tensor {
        base.encoded(input.pair(first, second, on: tape.backend), tape)
    }
}

extension LatentActionInput {
    /// The features of two of the frames as a pair by itself; states, which are of the window's ends, are not known of it.
    func pair(_ first: Int, _ second: Int, on backend: any Backend) -> LatentActionInput {
        let constants = Tape(on: backend, recording: false)
        let shape = patches.shape, width = shape[2] * shape[3]
        let flat = patches.detached.reshaped([shape[0], shape[1], width])
        let both = constants.concatenateTokens(
            constants.tokens(flat, first..<first + 1), constants.tokens(flat, second..<second + 1))
        return LatentActionInput(
            patches: both.reshaped([shape[0], 2, shape[2], shape[3]]), language: language, training: training)
    }
}
