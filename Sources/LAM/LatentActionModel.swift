import NN
import Tensor

// Axes: B batch, T = 2 frames, N patches of a frame, n = 4 action tokens, D feature width, E model width.

/// The stage-1 latent action model (SPEC_LAM §2): from the features of two frames it infers a few latents, usually codes,
/// for what happened between them, and predicts the second frame from the first and those latents. With a language width,
/// both halves also see the instruction, as UniVLA's stage 1 does.
public final class LatentActionModel: LatentActionModeling {
    /// Action tokens, and latents, of one kind per pair of frames.
    public static let actionTokens = 4

    private let options: LatentActionModelOptions
    private let featureWidth: Int
    /// Learned tokens that read the action off both frames, `[1, 1, n, D]`.
    private let actionLatent: Parameter
    private let encoder: SpatioTemporalTransformer
    private let path: ActionPath
    private let patchUp: Linear
    private let decoder: SpatialTransformer
    private let language: LanguageConditioning?

    /// Declares the parameters in `scope`, in the original's order of registration.
    ///
    /// - Parameter languageWidth: width of the instruction's tokens; nil for a model without language.
    public init(
        _ scope: ParameterScope, featureWidth: Int, languageWidth: Int? = nil, _ options: LatentActionModelOptions
    ) {
        self.options = options
        self.featureWidth = featureWidth
        let width = options.modelDim
        actionLatent = scope.parameter(
            "action_latent", [1, 1, Self.actionTokens, featureWidth], .uniform(bound: 1))
        encoder = SpatioTemporalTransformer(
            scope("encoder"), inputWidth: featureWidth, width: width, blocks: options.encBlocks, heads: options.numHeads
        )
        let toCodebook = Linear(scope("to_codebook"), in: width, out: options.latentWidth)
        let bottleneck = options.bottleneck.make(options.site(scope("vq")))
        patchUp = Linear(scope("patch_up"), in: featureWidth, out: width)
        let actionUp = Linear(scope("action_up"), in: options.latentWidth, out: width)
        path = ActionPath(toCodebook: toCodebook, bottleneck: bottleneck, actionUp: actionUp)
        decoder = SpatialTransformer(
            scope("decoder"), inputWidth: width, width: width, outputWidth: featureWidth, blocks: options.decBlocks,
            heads: options.numHeads)
        language = languageWidth.map {
            LanguageConditioning(scope("lang_proj"), languageWidth: $0, width: width, mask: options.textMask)
        }
    }

    public var family: any ModelFamily { TwoStageFamily(.stage1, options) }
    public var tokensBeforePatches: Int { Self.actionTokens }
    public var latentParts: [LatentPart] { [LatentPart(path.bottleneck, perPair: Self.actionTokens)] }

    public func forwardFLOPs(patches: Int) -> Double {
        options.forwardFLOPs(patches: patches, featureWidth: featureWidth, actionTokens: tokensBeforePatches)
    }

    public func callAsFunction(_ input: LatentActionInput, _ tape: Tape) -> LatentActionOutput {
        guard input.frames == 2 else { return steps(of: input, tape) }
        let patches = input.patches
        let appended = appendedTokens(input.language, to: patches, tape)
        let encoderOut = encoder(tape.prepend(actionLatent, to: patches), appending: appended?.encoder, tape)
        let action = path(tape.frame(encoderOut, 1), tokens: 0..<Self.actionTokens, input.training, tape)

        let actions = path.decoderTokens(action, tape, name: "action_up")
        return LatentActionOutput(
            encoderOut: encoderOut, latents: [action], recon: decode(actions, patches, appended, tape),
            target: tape.frame(patches, 1).detached, current: tape.frame(patches, 0).detached, tape)
    }

    /// The same of F frames, `[B, F, N, D]`, each of whose F - 1 steps is a sample: its latents are those of its second frame's
    /// action tokens, which see all frames before, and its first frame is what the decoder starts from.
    private func steps(of input: LatentActionInput, _ tape: Tape) -> LatentActionOutput {
        let shape = input.patches.shape, steps = input.frames - 1
        precondition(
            shape.count == 4 && shape[1] == input.frames && input.language == nil && language == nil,
            "several frames are [B, \(input.frames), N, D] without instructions, got \(shape)")
        let (batch, count) = (shape[0], shape[2])
        let encoderOut = encoder(tape.prepend(actionLatent, to: input.patches), tape)
        let width = encoderOut.shape[3], tokens = Self.actionTokens
        let all = tape.tokens(encoderOut, 0..<tokens).reshaped([batch, input.frames, tokens * width])
        let seconds = tape.tokens(all, 1..<input.frames).reshaped([batch * steps, 1, tokens, width])
        let action = path(seconds, tokens: 0..<tokens, input.training, tape)
        let flat = input.patches.detached.reshaped([batch, input.frames, count * featureWidth])
        let constants = Tape(on: tape.backend, recording: false)
        let stepShape = [batch * steps, 1, count, featureWidth]
        let current = constants.tokens(flat, 0..<steps).reshaped(stepShape)
        let target = constants.tokens(flat, 1..<input.frames).reshaped(stepShape)
        let actions = path.decoderTokens(action, tape, name: "action_up")
        return LatentActionOutput(
            encoderOut: encoderOut, latents: [action], recon: decode(actions, current, nil, tape), target: target,
            current: current, tape)
    }

    public func encoded(_ input: LatentActionInput, _ tape: Tape) -> Tensor {
        let appended = appendedTokens(input.language, to: input.patches, tape)
        let encoderOut = encoder(tape.prepend(actionLatent, to: input.patches), appending: appended?.encoder, tape)
        return path.encoded(tape.frame(encoderOut, 1), tokens: 0..<Self.actionTokens, tape)
    }

    public func reconstruction(of input: LatentActionInput, latents: [Tensor], _ tape: Tape) -> Tensor {
        precondition(latents.count == 1, "stage 1 has one kind of latents, got \(latents.count)")
        let appended = appendedTokens(input.language, to: input.patches, tape)
        return decode(path.decoderTokens(latents[0], tape), input.patches, appended, tape)
    }

    private func appendedTokens(
        _ instruction: LanguageTokens?, to patches: Tensor, _ tape: Tape
    ) -> (encoder: AppendedTokens, decoder: AppendedTokens)? {
        patches.requireFramePairs()
        precondition(
            (instruction == nil) == (language == nil),
            "instructions are for models with a language width, and only those")
        return instruction.flatMap { language?($0, visible: Self.actionTokens + patches.shape[2], tape) }
    }

    private func decode(
        _ actions: Tensor, _ patches: Tensor, _ appended: (encoder: AppendedTokens, decoder: AppendedTokens)?,
        _ tape: Tape
    ) -> Tensor {
        let firstFrame = patchUp(tape.frame(patches, 0), tape)
        tape.observe("patch_up", firstFrame)
        let decoded = decoder(tape.concatenateTokens(actions, firstFrame), appending: appended?.decoder, tape)
        return tape.tokens(decoded, Self.actionTokens..<Self.actionTokens + patches.shape[2])
    }
}

extension Tensor {
    /// Features of two frames.
    func requireFramePairs() {
        precondition(shape.count == 4 && shape[1] == 2, "patches are [B, 2, N, D], got \(shape)")
    }
}
