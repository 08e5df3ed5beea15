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

    public let options: LatentActionModelOptions
    private let actionLatent: Parameter
    private let actionLatentControllable: Parameter
    private let encoder: SpatioTemporalTransformer
    private let controllable: ActionBottleneck
    private let uncontrollable: ActionBottleneck
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
        let width = options.modelDim, latent = options.latentDim
        let tokens = [1, 1, LatentActionModel.actionTokens, featureWidth]
        actionLatent = scope.parameter("action_latent", tokens, .uniform(bound: 1))
        actionLatentControllable = scope.parameter("action_latent_controllable", tokens, .uniform(bound: 1))
        encoder = SpatioTemporalTransformer(
            scope("encoder"), inputWidth: featureWidth, width: width, blocks: options.encBlocks, heads: options.numHeads
        )
        let toCodebook = Linear(scope("to_codebook"), in: width, out: latent)
        let toCodebookUncontrol = Linear(scope("to_codebook_uncontrol"), in: width, out: latent)
        let vq = VectorQuantizer(
            scope("vq"), codes: frozenCodes, latentWidth: latent, counting: options.usage, isTrainable: false)
        patchUp = Linear(scope("patch_up"), in: featureWidth, out: width)
        let actionUp = Linear(scope("action_up"), in: latent, out: width)
        let actionUpUncontrol = Linear(scope("action_up_uncontrol"), in: latent, out: width)
        decoder = SpatialTransformer(
            scope("decoder"), inputWidth: width, width: width, outputWidth: featureWidth, blocks: options.decBlocks,
            heads: options.numHeads)
        let vqAction = VectorQuantizer(
            scope("vq_action"), codes: options.numLatents, latentWidth: latent, counting: options.usage)
        controllable = ActionBottleneck(toCodebook: toCodebook, quantizer: vqAction, actionUp: actionUp)
        uncontrollable = ActionBottleneck(
            toCodebook: toCodebookUncontrol, quantizer: vq, actionUp: actionUpUncontrol)
    }

    public var tokensBeforePatches: Int { 2 * LatentActionModel.actionTokens }
    public var quantizer: VectorQuantizer { controllable.quantizer }
    public var frozenQuantizer: VectorQuantizer? { uncontrollable.quantizer }

    public func callAsFunction(
        _ patches: Tensor, language: LanguageTokens? = nil, _ tape: Tape
    ) -> LatentActionOutput {
        patches.requireFramePairs()
        precondition(language == nil, "stage 2 is not conditioned on language")
        let kind = LatentActionModel.actionTokens
        let withUncontrollable = tape.prepend(actionLatent, to: patches)
        let encoderOut = encoder(tape.prepend(actionLatentControllable, to: withUncontrollable), tape)
        let secondFrame = tape.frame(encoderOut, 1)
        let action = controllable(secondFrame, tokens: 0..<kind, tape)
        let rest = uncontrollable(secondFrame, tokens: kind..<2 * kind, tape)

        let actions = tape.concatenateTokens(
            controllable.decoderTokens(action, tape, name: "action_up"),
            uncontrollable.decoderTokens(rest, tape, name: "action_up_uncontrol"))
        return LatentActionOutput(
            encoderOut: encoderOut, action: action, uncontrolled: rest, recon: decode(actions, patches, tape),
            target: tape.frame(patches, 1).detached, vqBeta: options.vqBeta, tape)
    }

    public func reconstruction(
        of patches: Tensor, codes: Tensor, uncontrolled: Tensor?, language: LanguageTokens? = nil, _ tape: Tape
    ) -> Tensor {
        patches.requireFramePairs()
        precondition(language == nil, "stage 2 is not conditioned on language")
        guard let uncontrolled else { preconditionFailure("stage 2 has two codebooks, got codes of one") }
        let actions = tape.concatenateTokens(
            controllable.decoderTokens(codes, tape), uncontrollable.decoderTokens(uncontrolled, tape))
        return decode(actions, patches, tape)
    }

    private func decode(_ actions: Tensor, _ patches: Tensor, _ tape: Tape) -> Tensor {
        let firstFrame = patchUp(tape.frame(patches, 0), tape)
        tape.observe("patch_up", firstFrame)
        let decoded = decoder(tape.concatenateTokens(actions, firstFrame), tape)
        return tape.tokens(decoded, tokensBeforePatches..<tokensBeforePatches + patches.shape[2])
    }
}
