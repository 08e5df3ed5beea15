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
