import NN
import Tensor

// Axes: B batch, N patches of a frame, F feature width, n latents of a pair, C latent width.

/// LaWAM's latent action model (arXiv 2606.15768), which LeRobot's policy `lawam` carries: queries read a latent off two frames,
/// a modulated decoder predicts the second from the first, and a head predicts how the robot's state changes.
///
/// Features are those of a frozen encoder's last block but one, normalised here. With two views of a pair, `[B, 4, N, F]`, the
/// encoder sees the first and the decoder the second, so that latents cannot carry what differs between views.
public final class LawamModel: LatentActionModeling {
    private static let featureEpsilon: Float = 1e-5

    private let options: LawamOptions
    private let featureWidth: Int
    private let decoder: LawamDecoder
    private let stateHead: StateHead?
    private let encoder: LawamEncoder
    private let bottleneck: any LatentBottleneck

    public init(_ scope: ParameterScope, featureWidth: Int, _ options: LawamOptions) {
        precondition(options.dim % 8 == 0, "a width of \(options.dim), expected a multiple of 8")
        self.options = options
        self.featureWidth = featureWidth
        decoder = LawamDecoder(scope("decoder"), featureWidth: featureWidth, options)
        stateHead = options.maxStateDim > 0 ? StateHead(scope("state_decoder"), options) : nil
        encoder = LawamEncoder(scope("encoder"), featureWidth: featureWidth, options)
        bottleneck = options.bottleneck.make(options.site(scope("vq")))
    }

    public var family: any ModelFamily { LawamFamily(options) }
    public var tokensBeforePatches: Int { 0 }
    public var predictsFeatures: Bool { false }
    public var latentParts: [LatentPart] {
        [LatentPart(bottleneck, perPair: bottleneck.latentsPerPair(ofTokens: options.queries))]
    }

    public var lossNames: [LossName] {
        [LossName("recon_loss")] + latentParts.flatMap(\.lossNames)
            + (options.loss == .cos ? [LossName("cosine_loss", "cosine loss")] : [])
            + (stateHead == nil ? [] : [LossName("state_loss", "state loss")])
    }

    public func forwardFLOPs(patches: Int) -> Double {
        let dim = Double(options.dim), feature = Double(featureWidth), tokens = Double(2 * patches)
        let perToken = 4 * dim * dim + 2 * Double(options.ffnFactor) * dim * dim
        // Of the last block, the queries' alone is computed beyond the projections.
        let block = perToken + 2 * tokens * dim
        let encoder = tokens * (feature * dim + Double(options.encLayers - 1) * block + 3 * dim * dim)
        let single = Double(patches)
        let decoder =
            single * (2 * feature * dim + Double(options.decLayers) * (perToken + 2 * single * dim))
            + Double(options.decLayers) * 6 * dim * dim
        return 2 * (encoder + decoder)
    }

    public func callAsFunction(_ input: LatentActionInput, _ tape: Tape) -> LatentActionOutput {
        let frames = self.frames(input, tape.backend)
        let nodes = encoder(frames.pair, states: input.states, tape)
        let action = bottleneck(nodes, input.training, tape)
        let recon = decoder(frames.current, latents: action.zQ, tape)
        var terms: [(tensor: Tensor, weight: Float)] = [
            (options.loss(recon, target: frames.target, current: frames.current, tape), 1)
        ]
        terms += action.losses
        if let extra = options.loss.extra(recon, target: frames.target, tape) { terms.append((extra, 1)) }
        var change: Tensor?
        if let stateHead {
            let prediction = input.states.map { stateHead(action.zQ, $0, tape) }
            change = prediction
            terms.append((stateLoss(prediction, input.states, tape), options.stateWeight))
        }
        let constants = Tape(on: tape.backend, recording: false)
        return LatentActionOutput(
            encoderOut: nodes, latents: [action], recon: recon, target: frames.target, current: frames.current,
            copyLoss: options.loss(
                frames.current, target: frames.target, current: frames.current, constants),
            stateChange: change, terms: terms, tape)
    }

    /// 0 where no robot's state is known: the head then has no gradient.
    private func stateLoss(_ prediction: Tensor?, _ states: RobotStates?, _ tape: Tape) -> Tensor {
        guard let prediction, let states, states.isAnyKnown else { return tape.backend.zeros([]) }
        return options.stateLoss(prediction, states.delta, weights: states.weights, tape)
    }

    public func reconstruction(of input: LatentActionInput, latents: [Tensor], _ tape: Tape) -> Tensor {
        precondition(latents.count == 1, "this model has one kind of latents, got \(latents.count)")
        return decoder(frames(input, tape.backend).current, latents: latents[0], tape)
    }

    public var latentsReadStates: Bool { options.addsState }

    public func comparedFeatures(of input: LatentActionInput, _ tape: Tape) -> (current: Tensor, target: Tensor) {
        let frames = frames(input, tape.backend)
        return (frames.current, frames.target)
    }

    /// Normalised features: both frames for the encoder, and what the decoder starts from and aims at.
    private func frames(
        _ input: LatentActionInput, _ backend: any Backend
    ) -> (pair: Tensor, current: Tensor, target: Tensor) {
        let shape = input.patches.shape
        precondition(
            shape.count == 4 && [2, 4].contains(shape[1]) && shape[3] == featureWidth && input.language == nil,
            "features are [B, 2 or 4, N, \(featureWidth)] without instructions, got \(shape)")
        let tape = Tape(on: backend, recording: false)
        let features = tape.layerNorm(input.patches, epsilon: Self.featureEpsilon)
        let current = tape.frame(features, shape[1] - 2), target = tape.frame(features, shape[1] - 1)
        guard shape[1] == 4 else { return (features, current, target) }
        let flat = features.reshaped([shape[0], 4, shape[2] * shape[3]])
        let pair = tape.tokens(flat, 0..<2).reshaped([shape[0], 2, shape[2], shape[3]])
        return (pair, current, target)
    }
}
