import LAM

/// A family of models that configuration files can ask for.
protocol ConfiguredFamily: ModelFamily {
    /// The model that a configuration describes.
    init(_ model: ModelConfiguration)
}

extension TwoStageFamily: ConfiguredFamily {
    init(_ model: ModelConfiguration) {
        self.init(
            model.stage,
            LatentActionModelOptions(
                modelDim: model.modelDim, latentDim: model.latentDim, numLatents: model.numLatents,
                encBlocks: model.encoderBlocks, decBlocks: model.decoderBlocks, numHeads: model.numHeads,
                bottleneck: model.bottleneck.choice,
                vqBeta: Float(model.vqBeta), usage: model.usage, textMask: model.textMask))
    }
}

extension LawamFamily: ConfiguredFamily {
    init(_ model: ModelConfiguration) {
        var options = LawamOptions(
            dim: model.modelDim, heads: model.numHeads, ffnFactor: model.ffnFactor, encLayers: model.encoderBlocks,
            decLayers: model.decoderBlocks, codeDim: model.latentDim, bottleneck: model.bottleneck.choice)
        options.queries = model.queries
        options.codebookSize = model.numLatents
        options.commitmentWeight = Float(model.vqBeta)
        options.usage = model.usage
        options.modalMask = model.modalMask
        options.addsState = model.addsState
        options.normalization = model.normalizesFeatures ? model.normalization : nil
        options.lastNorm = model.decoderLastNorm
        options.loss = model.loss
        options.maxStateDim = model.maxStateDim
        options.embodiments = model.embodiments
        options.stateLoss = model.stateLoss
        options.stateWeight = Float(model.stateWeight)
        self.init(options)
    }
}

extension ModelConfiguration {
    /// The model that is configured, without what it takes from files.
    public var family: any ModelFamily {
        guard let type = ModelFamilies.all.first(where: { $0.name == familyName }) as? any ConfiguredFamily.Type else {
            preconditionFailure("no configuration describes a model of the family \(familyName)")
        }
        return type.init(self)
    }

    /// Options that choose among what is registered. Where there is only one of a kind, there is nothing to choose, and
    /// no option.
    static var registryOptions: [ConfigOption<ModelConfiguration>] {
        var options: [ConfigOption<ModelConfiguration>] = []
        if ModelFamilies.all.count > 1 {
            options.append(
                .init("family", \.familyName, .oneOf(ModelFamilies.all.map { $0.name }), "The family of the model."))
        }
        let kinds = BottleneckKind.all.map { "`\($0.name)`: \($0.summary)" }.joined(separator: "; ")
        options.append(
            .init(
                "bottleneck", \.bottleneck, "What the action's latents go through. \(kinds).",
                differs: "New; the original has `vq` alone."))
        return options
    }
}

extension ValueRule<String> {
    fileprivate static func oneOf(_ names: [String]) -> Self {
        Self(
            expected: names.joined(separator: " or "),
            typeDescription: names.map { "`\($0)`" }.joined(separator: ", ")
        ) { names.contains($0) }
    }
}
