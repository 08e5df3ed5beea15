import Tensor

/// What training needs of a latent action model, whatever its family.
public protocol LatentActionModeling: AnyObject {
    /// The model's description, from which one like it can be made.
    var family: any ModelFamily { get }
    /// Tokens in front of a frame's patches.
    var tokensBeforePatches: Int { get }
    /// The kinds of latents that it infers, the action's first.
    var latentParts: [LatentPart] { get }
    /// The terms of its loss, the reconstruction's first.
    var lossNames: [LossName] { get }

    /// Whether it predicts the encoder's features as they are, and not in a form of its own. Only those are pictures where
    /// features are pixels.
    var predictsFeatures: Bool { get }

    /// Floating-point operations (a multiply-add is two) of the matrix products in one forward pass of one sample with
    /// `patches` patches a frame.
    func forwardFLOPs(patches: Int) -> Double

    func callAsFunction(_ input: LatentActionInput, _ tape: Tape) -> LatentActionOutput

    /// What the encoder gives of pairs before the bottleneck, `[B, n, L]`: the action's latents where these are continuous.
    func encoded(_ input: LatentActionInput, _ tape: Tape) -> Tensor

    /// Predicts the second frame from the first and given latents, whatever happened between the frames.
    ///
    /// - Parameters:
    ///   - input: of whose frames the first is read.
    ///   - latents: of each of `latentParts`, `[B, n, L]`.
    /// - Returns: features `[B, 1, N, D]`.
    func reconstruction(of input: LatentActionInput, latents: [Tensor], _ tape: Tape) -> Tensor

    /// The features that a prediction starts from, and those that it aims at, in the form in which the model predicts them.
    ///
    /// - Returns: `[B, 1, N, D]` each.
    func comparedFeatures(of input: LatentActionInput, _ tape: Tape) -> (current: Tensor, target: Tensor)

    /// Whether latents depend on the robots' states, and not on the frames alone.
    var latentsReadStates: Bool { get }
}

extension LatentActionModeling {
    /// Features `[B, 2, N, D]` of a batch by themselves.
    public func callAsFunction(
        _ patches: Tensor, language: LanguageTokens? = nil, training: TrainingPass? = nil, _ tape: Tape
    ) -> LatentActionOutput {
        self(LatentActionInput(patches: patches, language: language, training: training), tape)
    }

    public func reconstruction(
        of patches: Tensor, latents: [Tensor], language: LanguageTokens? = nil, _ tape: Tape
    ) -> Tensor {
        reconstruction(of: LatentActionInput(patches: patches, language: language), latents: latents, tape)
    }
}

/// A kind of latents that a model infers of a pair.
public struct LatentPart {
    public let bottleneck: any LatentBottleneck
    /// Latents of a pair.
    public let perPair: Int
    /// What stands behind the names of its values and of its column in files; empty for the action.
    public let suffix: String

    public init(_ bottleneck: any LatentBottleneck, perPair: Int, suffix: String = "") {
        (self.bottleneck, self.perPair, self.suffix) = (bottleneck, perPair, suffix)
    }

    /// Numbers in the latents of a pair.
    public var width: Int { perPair * bottleneck.latentWidth }

    /// Its terms of the loss.
    public var lossNames: [LossName] { bottleneck.lossNames.map { $0.suffixed(suffix) } }

    /// How much latents vary; nil where they are codes.
    public func spread() -> LatentSpread? {
        bottleneck.codeCount == nil ? LatentSpread(dimensions: width, name: "active_dimensions" + suffix) : nil
    }

    /// How often codes occur; nil where latents are continuous.
    ///
    /// - Parameter counts: of each code; nil for none yet.
    public func histogram(_ counts: [Double]? = nil) -> CodeHistogram? {
        bottleneck.codeCount.map { codes in
            var histogram = CodeHistogram(codes: codes, name: "code_usage" + suffix, divisor: bottleneck.usageDivisor)
            if let counts {
                precondition(counts.count == codes, "\(counts.count) counts of \(codes) codes")
                histogram.counts = counts
            }
            return histogram
        }
    }
}

extension LatentActionModeling {
    /// What the action's latents are of.
    public var action: LatentPart { latentParts[0] }

    public var lossNames: [LossName] { [LossName("mse_loss")] + latentParts.flatMap(\.lossNames) }
    public var predictsFeatures: Bool { true }
    public var latentsReadStates: Bool { false }

    public func comparedFeatures(of input: LatentActionInput, _ tape: Tape) -> (current: Tensor, target: Tensor) {
        (tape.frame(input.patches, 0).detached, tape.frame(input.patches, 1).detached)
    }
}
