import NN
import Tensor

// Axes: B batch, T = 2 frames, N patches of a frame, n = 4 action tokens of a kind, D feature width, E model width.

/// The stage-2 latent action model (UniVLA): splits what happened between two frames into what the task controls, with
/// a codebook of its own, and the rest, for which it keeps the codebook of stage 1 as it is.
///
/// Tokens of a frame: n controllable, n uncontrollable, N patches. The uncontrollable ones go on from stage 1's
/// `action_latent`.
public final class ControllableLatentActionModel: LatentActionModeling {
    /// Codes of the original's frozen codebook, whatever stage 1 was trained with.
    public static let originalFrozenCodes = 16
    /// What the original divides the number of frozen codes in use by (SPEC_LAM §9.43).
    public static let originalUsageDivisor = 32

    private let options: LatentActionModelOptions
    private let featureWidth: Int
    private let actionLatent: Parameter
    private let actionLatentControllable: Parameter
    private let encoder: SpatioTemporalTransformer
    private let controllable: ActionPath
    private let uncontrollable: ActionPath
    private let patchUp: Linear
    private let decoder: SpatialTransformer

    /// Declares the parameters in `scope`, in the original's order of registration. `vq` is frozen.
    ///
    /// - Parameters:
    ///   - frozenCodes: codes of stage 1's codebook.
    ///   - options: `numLatents` are the codes of `vq_action`.
    public init(
        _ scope: ParameterScope, featureWidth: Int, frozenCodes: Int, _ options: LatentActionModelOptions
    ) {
        self.options = options
        self.featureWidth = featureWidth
        let width = options.modelDim, latent = options.latentDim, controlled = options.latentWidth
        let tokens = [1, 1, LatentActionModel.actionTokens, featureWidth]
        actionLatent = scope.parameter("action_latent", tokens, .uniform(bound: 1))
        actionLatentControllable = scope.parameter("action_latent_controllable", tokens, .uniform(bound: 1))
        encoder = SpatioTemporalTransformer(
            scope("encoder"), inputWidth: featureWidth, width: width, blocks: options.encBlocks, heads: options.numHeads
        )
        let toCodebook = Linear(scope("to_codebook"), in: width, out: controlled)
        let toCodebookUncontrol = Linear(scope("to_codebook_uncontrol"), in: width, out: latent)
        let vq = VectorQuantizer(
            scope("vq"), codes: frozenCodes, latentWidth: latent, commitmentWeight: options.vqBeta,
            counting: options.usage,
            usageDivisor: options.usage == .original ? max(frozenCodes, Self.originalUsageDivisor) : nil,
            isTrainable: false)
        patchUp = Linear(scope("patch_up"), in: featureWidth, out: width)
        let actionUp = Linear(scope("action_up"), in: controlled, out: width)
        let actionUpUncontrol = Linear(scope("action_up_uncontrol"), in: latent, out: width)
        decoder = SpatialTransformer(
            scope("decoder"), inputWidth: width, width: width, outputWidth: featureWidth, blocks: options.decBlocks,
            heads: options.numHeads)
        let vqAction = options.bottleneck.make(options.site(scope("vq_action")))
        controllable = ActionPath(toCodebook: toCodebook, bottleneck: vqAction, actionUp: actionUp)
        uncontrollable = ActionPath(toCodebook: toCodebookUncontrol, bottleneck: vq, actionUp: actionUpUncontrol)
    }

    public var family: any ModelFamily {
        TwoStageFamily(.stage2, options, frozenCodes: uncontrollable.bottleneck.codeCount)
    }
    public var tokensBeforePatches: Int { 2 * LatentActionModel.actionTokens }
    public var latentParts: [LatentPart] {
        [
            LatentPart(controllable.bottleneck, perPair: LatentActionModel.actionTokens),
            LatentPart(uncontrollable.bottleneck, perPair: LatentActionModel.actionTokens, suffix: "_uncontrol"),
        ]
    }

    public func forwardFLOPs(patches: Int) -> Double {
        options.forwardFLOPs(patches: patches, featureWidth: featureWidth, actionTokens: tokensBeforePatches)
    }

    public func callAsFunction(_ input: LatentActionInput, _ tape: Tape) -> LatentActionOutput {
        let patches = input.patches
        patches.requireFramePairs()
        precondition(input.language == nil, "stage 2 is not conditioned on language")
        let kind = LatentActionModel.actionTokens
        let withUncontrollable = tape.prepend(actionLatent, to: patches)
        let encoderOut = encoder(tape.prepend(actionLatentControllable, to: withUncontrollable), tape)
        let secondFrame = tape.frame(encoderOut, 1)
        let action = controllable(secondFrame, tokens: 0..<kind, input.training, tape)
        let rest = uncontrollable(secondFrame, tokens: kind..<2 * kind, input.training, tape)

        let actions = tape.concatenateTokens(
            controllable.decoderTokens(action, tape, name: "action_up"),
            uncontrollable.decoderTokens(rest, tape, name: "action_up_uncontrol"))
        return LatentActionOutput(
            encoderOut: encoderOut, latents: [action, rest], recon: decode(actions, patches, tape),
            target: tape.frame(patches, 1).detached, current: tape.frame(patches, 0).detached, tape)
    }

    public func encoded(_ input: LatentActionInput, _ tape: Tape) -> Tensor {
        input.patches.requireFramePairs()
        let withUncontrollable = tape.prepend(actionLatent, to: input.patches)
        let encoderOut = encoder(tape.prepend(actionLatentControllable, to: withUncontrollable), tape)
        return controllable.encoded(tape.frame(encoderOut, 1), tokens: 0..<LatentActionModel.actionTokens, tape)
    }

    public func reconstruction(of input: LatentActionInput, latents: [Tensor], _ tape: Tape) -> Tensor {
        input.patches.requireFramePairs()
        precondition(input.language == nil, "stage 2 is not conditioned on language")
        precondition(latents.count == 2, "stage 2 has two kinds of latents, got \(latents.count)")
        let actions = tape.concatenateTokens(
            controllable.decoderTokens(latents[0], tape), uncontrollable.decoderTokens(latents[1], tape))
        return decode(actions, input.patches, tape)
    }

    private func decode(_ actions: Tensor, _ patches: Tensor, _ tape: Tape) -> Tensor {
        let firstFrame = patchUp(tape.frame(patches, 0), tape)
        tape.observe("patch_up", firstFrame)
        let decoded = decoder(tape.concatenateTokens(actions, firstFrame), tape)
        return tape.tokens(decoded, tokensBeforePatches..<tokensBeforePatches + patches.shape[2])
    }
}
