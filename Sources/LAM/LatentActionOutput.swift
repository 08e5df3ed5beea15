import NN
import Tensor

// Axes: B batch, T = 2 frames, S tokens of a frame, n = 4 action tokens of a kind, N patches, D feature width, E model
// width, L latent width.

/// The latents of one kind of action tokens, before and after quantisation.
public struct QuantizedAction {
    /// Continuous latents before quantisation, `[B, n, L]`.
    public let emb: Tensor
    /// Chosen rows of the codebook, `[B, n, L]`.
    public let z: Tensor
    /// Straight-through values, `[B, 1, n, L]`.
    public let zQ: Tensor
    /// Codes, i32 `[B, n]`.
    public let indices: Tensor
    /// `mean (sg(emb) - z)^2` and `mean (emb - sg(z))^2`.
    public let qLoss: Tensor
    public let commitLoss: Tensor
}

/// Everything that one batch gives, in either stage.
public struct LatentActionOutput {
    /// Encoder output `[B, T, S, E]`.
    public let encoderOut: Tensor
    /// The action codes; in stage 2 those of the controllable part.
    public let action: QuantizedAction
    /// Stage 2: the codes of what the task does not control, from the frozen codebook.
    public let uncontrolled: QuantizedAction?
    /// Predicted features of the second frame, `[B, 1, N, D]`.
    public let recon: Tensor
    /// True features of the second frame, `[B, 1, N, D]`.
    public let target: Tensor
    /// `mean (target - recon)^2`.
    public let mseLoss: Tensor
    /// `mse + q + vq_beta * commit`, plus the same two of `uncontrolled`.
    public let loss: Tensor

    init(
        encoderOut: Tensor, action: QuantizedAction, uncontrolled: QuantizedAction? = nil, recon: Tensor,
        target: Tensor, vqBeta: Float, _ tape: Tape
    ) {
        self.encoderOut = encoderOut
        self.action = action
        self.uncontrolled = uncontrolled
        self.recon = recon
        self.target = target
        mseLoss = tape.meanSquaredError(recon, target)
        var terms: [(tensor: Tensor, weight: Float)] = [(mseLoss, 1)]
        for part in [action, uncontrolled].compactMap({ $0 }) {
            terms += [(part.qLoss, 1), (part.commitLoss, vqBeta)]
        }
        loss = tape.weightedSum(terms)
    }
}

/// The way of one kind of action tokens from the encoder through a codebook to the decoder. Its layers are declared by
/// the model, whose order of parameters is the original's.
struct ActionBottleneck {
    let toCodebook: Linear
    let quantizer: VectorQuantizer
    let actionUp: Linear

    /// Quantises tokens `range` of the encoder's second frame, `[B, 1, S, E]`.
    func callAsFunction(_ secondFrame: Tensor, tokens range: Range<Int>, _ tape: Tape) -> QuantizedAction {
        let batch = secondFrame.shape[0], width = quantizer.codebook.shape[1]
        let emb = toCodebook(tape.tokens(secondFrame, range), tape).reshaped([batch, range.count, width])
        let quantized = quantizer(emb, tape)
        return QuantizedAction(
            emb: emb, z: quantized.z, zQ: quantized.zQ.reshaped([batch, 1, range.count, width]),
            indices: quantized.indices, qLoss: tape.meanSquaredError(quantized.z, emb.detached),
            commitLoss: tape.meanSquaredError(emb, quantized.z.detached))
    }

    /// The decoder's tokens, `[B, 1, n, E]`.
    func decoderTokens(_ action: QuantizedAction, _ tape: Tape, name: String) -> Tensor {
        let tokens = actionUp(action.zQ, tape)
        tape.observe(name, tokens)
        return tokens
    }

    /// The same for given codes, i32 `[B, n]`.
    func decoderTokens(_ codes: Tensor, _ tape: Tape) -> Tensor {
        let z = tape.embedding(codes, in: quantizer.codebook)
        return actionUp(z.reshaped([codes.shape[0], 1, codes.shape[1], z.shape[2]]), tape)
    }
}
