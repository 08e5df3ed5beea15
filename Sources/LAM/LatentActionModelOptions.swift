import NN

/// Sizes of a latent action model, named as in the configuration file.
public struct LatentActionModelOptions: Sendable, Equatable {
    public var modelDim: Int
    public var latentDim: Int
    /// Codes of the codebook that is trained.
    public var numLatents: Int
    public var encBlocks: Int
    public var decBlocks: Int
    public var numHeads: Int
    /// What the action's latents go through.
    public var bottleneck: BottleneckChoice
    public var vqBeta: Float
    public var usage: CodeUsage
    /// Of models that are conditioned on language.
    public var textMask: TextMask

    /// Where a bottleneck stands in a model of these sizes.
    func site(_ scope: ParameterScope) -> BottleneckSite {
        BottleneckSite(
            scope, latentWidth: latentWidth, codes: numLatents, commitmentWeight: vqBeta, counting: usage)
    }

    /// Width of the action's latents: `latentDim`, unless the bottleneck says otherwise.
    public var latentWidth: Int { bottleneck.latentWidth(modelWidth: latentDim) }

    public init(
        modelDim: Int, latentDim: Int, numLatents: Int, encBlocks: Int, decBlocks: Int, numHeads: Int,
        bottleneck: BottleneckChoice = BottleneckChoice(), vqBeta: Float = 0.25, usage: CodeUsage = .occurrence,
        textMask: TextMask = .aligned
    ) {
        self.modelDim = modelDim
        self.latentDim = latentDim
        self.numLatents = numLatents
        self.encBlocks = encBlocks
        self.decBlocks = decBlocks
        self.numHeads = numHeads
        self.bottleneck = bottleneck
        self.vqBeta = vqBeta
        self.usage = usage
        self.textMask = textMask
    }
}
