import NN
import Tensor

// Axes: B batch, T = 2 frames, N patches of a frame, n = 4 action tokens, S = n + N tokens, D feature width, E model
// width, L latent width, K codes.

/// Sizes of a latent action model, named as in the configuration file.
public struct LatentActionModelOptions: Sendable, Equatable {
    public var modelDim: Int
    public var latentDim: Int
    public var numLatents: Int
    public var encBlocks: Int
    public var decBlocks: Int
    public var numHeads: Int
    public var vqBeta: Float
    public var usage: CodeUsage

    public init(
        modelDim: Int, latentDim: Int, numLatents: Int, encBlocks: Int, decBlocks: Int, numHeads: Int,
        vqBeta: Float = 0.25, usage: CodeUsage = .occurrence
    ) {
        self.modelDim = modelDim
        self.latentDim = latentDim
        self.numLatents = numLatents
        self.encBlocks = encBlocks
        self.decBlocks = decBlocks
        self.numHeads = numHeads
        self.vqBeta = vqBeta
        self.usage = usage
    }
}

/// The stage-1 latent action model (SPEC_LAM §2): from the features of two frames it infers a few discrete codes for
/// what happened between them, and predicts the second frame from the first and those codes.
public final class LatentActionModel {
    /// Action tokens, and codes, per pair of frames.
    public static let actionTokens = 4

    public let options: LatentActionModelOptions
    public let vq: VectorQuantizer
    /// Learned tokens that read the action off both frames, `[1, 1, n, D]`.
    private let actionLatent: Parameter
    private let encoder: SpatioTemporalTransformer
    private let toCodebook: Linear
    private let patchUp: Linear
    private let actionUp: Linear
    private let decoder: SpatialTransformer

    /// Everything one batch gives, before and after quantisation.
    public struct Output {
        /// Encoder output `[B, T, S, E]`.
        public let encoderOut: Tensor
        /// Continuous latents before quantisation, `[B, n, L]`.
        public let emb: Tensor
        /// Chosen rows of the codebook, `[B, n, L]`.
        public let z: Tensor
        /// Straight-through values, `[B, 1, n, L]`.
        public let zQ: Tensor
        /// Codes, i32 `[B, n]`.
        public let indices: Tensor
        /// Predicted features of the second frame, `[B, 1, N, D]`.
        public let recon: Tensor
        /// True features of the second frame, `[B, 1, N, D]`.
        public let target: Tensor
        /// Scalars: `mean (target - recon)^2`, `mean (sg(emb) - z)^2`, `mean (emb - sg(z))^2`, and
        /// `mse + q + vq_beta * commit`.
        public let mseLoss: Tensor
        public let qLoss: Tensor
        public let commitLoss: Tensor
        public let loss: Tensor
    }

    /// Declares the parameters in `scope`, in the original's order of registration.
    public init(_ scope: ParameterScope, featureWidth: Int, _ options: LatentActionModelOptions) {
        self.options = options
        let width = options.modelDim
        actionLatent = scope.parameter(
            "action_latent", [1, 1, Self.actionTokens, featureWidth], .uniform(bound: 1))
        encoder = SpatioTemporalTransformer(
            scope("encoder"), inputWidth: featureWidth, width: width, blocks: options.encBlocks, heads: options.numHeads
        )
        toCodebook = Linear(scope("to_codebook"), in: width, out: options.latentDim)
        vq = VectorQuantizer(
            scope("vq"), codes: options.numLatents, latentWidth: options.latentDim, counting: options.usage)
        patchUp = Linear(scope("patch_up"), in: featureWidth, out: width)
        actionUp = Linear(scope("action_up"), in: options.latentDim, out: width)
        decoder = SpatialTransformer(
            scope("decoder"), inputWidth: width, width: width, outputWidth: featureWidth, blocks: options.decBlocks,
            heads: options.numHeads)
    }

    /// - Parameter patches: features of both frames, `[B, 2, N, D]`, constant.
    public func callAsFunction(_ patches: Tensor, _ tape: Tape) -> Output {
        precondition(
            patches.shape.count == 4 && patches.shape[1] == 2, "patches are [B, 2, N, D], got \(patches.shape)")
        let encoderOut = encoder(tape.prepend(actionLatent, to: patches), tape)
        let (emb, quantized) = quantize(encoderOut, tape)
        let batch = patches.shape[0], patchCount = patches.shape[2]

        let actions = actionUp(
            quantized.zQ.reshaped([batch, 1, Self.actionTokens, options.latentDim]), tape)
        tape.observe("action_up", actions)
        let firstFrame = patchUp(tape.frame(patches, 0), tape)
        tape.observe("patch_up", firstFrame)
        let decoded = decoder(tape.concatenateTokens(actions, firstFrame), tape)
        let recon = tape.tokens(decoded, Self.actionTokens..<Self.actionTokens + patchCount)
        let target = tape.frame(patches, 1).detached

        let mseLoss = tape.meanSquaredError(recon, target)
        let qLoss = tape.meanSquaredError(quantized.z, emb.detached)
        let commitLoss = tape.meanSquaredError(emb, quantized.z.detached)
        let loss = tape.weightedSum([(mseLoss, 1), (qLoss, 1), (commitLoss, options.vqBeta)])
        return Output(
            encoderOut: encoderOut, emb: emb, z: quantized.z,
            zQ: quantized.zQ.reshaped([batch, 1, Self.actionTokens, options.latentDim]), indices: quantized.indices,
            recon: recon, target: target, mseLoss: mseLoss, qLoss: qLoss, commitLoss: commitLoss, loss: loss)
    }

    /// Latents of the second frame's action tokens, before and after quantisation.
    private func quantize(_ encoderOut: Tensor, _ tape: Tape) -> (emb: Tensor, VectorQuantizer.Output) {
        let actionTokens = tape.tokens(tape.frame(encoderOut, 1), 0..<Self.actionTokens)
        let emb = toCodebook(actionTokens, tape).reshaped(
            [encoderOut.shape[0], Self.actionTokens, options.latentDim])
        return (emb, vq(emb, tape))
    }
}
