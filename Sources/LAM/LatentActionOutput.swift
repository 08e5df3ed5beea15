import NN
import Tensor

// Axes: B batch, T = 2 frames, S tokens of a frame, n = 4 action tokens of a kind, N patches, D feature width, E model
// width, L latent width.

/// Everything that one batch gives, whatever the model.
public struct LatentActionOutput {
    /// Encoder output, `[B, T, S, E]` of the two-stage family.
    public let encoderOut: Tensor
    /// In the order of the model's `latentParts`, the action's first.
    public let latents: [ActionLatents]
    /// Predicted features of the second frame, `[B, 1, N, D]`.
    public let recon: Tensor
    /// True features of the second frame, `[B, 1, N, D]`.
    public let target: Tensor
    /// The terms of the loss in the order of the model's `lossNames`.
    public private(set) var losses: [Tensor]
    /// Their weighted sum.
    public private(set) var loss: Tensor

    /// What the reconstruction's term is of predicting that nothing changes.
    public let copyLoss: Tensor
    /// Features that the prediction was made from, `[B, 1, N, D]`.
    public let current: Tensor
    /// Predicted change of the robots' states, `[B, S]`, of a model that predicts one.
    public let stateChange: Tensor?

    /// With the loss `mean (target - recon)^2` plus the terms of the bottlenecks.
    init(
        encoderOut: Tensor, latents: [ActionLatents], recon: Tensor, target: Tensor, current: Tensor, _ tape: Tape
    ) {
        self.init(
            encoderOut: encoderOut, latents: latents, recon: recon, target: target, current: current,
            copyLoss: Tape(on: tape.backend, recording: false).meanSquaredError(current, target), stateChange: nil,
            terms: [(tape.meanSquaredError(recon, target), 1)] + latents.flatMap(\.losses), tape)
    }

    /// - Parameter terms: of the loss, with their weights.
    init(
        encoderOut: Tensor, latents: [ActionLatents], recon: Tensor, target: Tensor, current: Tensor,
        copyLoss: Tensor, stateChange: Tensor?, terms: [(tensor: Tensor, weight: Float)], _ tape: Tape
    ) {
        (self.encoderOut, self.latents, self.recon, self.target) = (encoderOut, latents, recon, target)
        (self.current, self.copyLoss, self.stateChange) = (current, copyLoss, stateChange)
        losses = terms.map(\.tensor)
        loss = tape.weightedSum(terms)
    }

    /// The same with further terms of the loss behind the others.
    func adding(_ terms: [(tensor: Tensor, weight: Float)], _ tape: Tape) -> LatentActionOutput {
        LatentActionOutput(self, terms, tape)
    }

    private init(_ output: LatentActionOutput, _ terms: [(tensor: Tensor, weight: Float)], _ tape: Tape) {
        self = output
        losses = output.losses + terms.map(\.tensor)
        loss = tape.weightedSum([(output.loss, 1)] + terms)
    }

    /// The action's latents.
    public var action: ActionLatents { latents[0] }
}

/// The way of one kind of action tokens from the encoder through a bottleneck to the decoder. Its layers are declared by
/// the model, whose order of parameters is the original's.
struct ActionPath {
    let toCodebook: Linear
    let bottleneck: any LatentBottleneck
    let actionUp: Linear

    /// The latents of tokens `range` of the encoder's second frame, `[B, 1, S, E]`.
    func callAsFunction(
        _ secondFrame: Tensor, tokens range: Range<Int>, _ training: TrainingPass?, _ tape: Tape
    ) -> ActionLatents {
        bottleneck(encoded(secondFrame, tokens: range, tape), training, tape)
    }

    /// The same before the bottleneck, `[B, n, L]`.
    func encoded(_ secondFrame: Tensor, tokens range: Range<Int>, _ tape: Tape) -> Tensor {
        let shape = [secondFrame.shape[0], range.count, bottleneck.latentWidth]
        return toCodebook(tape.tokens(secondFrame, range), tape).reshaped(shape)
    }

    /// The decoder's tokens, `[B, 1, n, E]`, of latents `[B, n, L]`.
    func decoderTokens(_ latents: Tensor, _ tape: Tape) -> Tensor {
        actionUp(latents.reshaped([latents.shape[0], 1] + latents.shape.dropFirst()), tape)
    }

    /// The same of what a forward pass gave, for observers too.
    func decoderTokens(_ action: ActionLatents, _ tape: Tape, name: String) -> Tensor {
        let tokens = decoderTokens(action.zQ, tape)
        tape.observe(name, tokens)
        return tokens
    }
}
