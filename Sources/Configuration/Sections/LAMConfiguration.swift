/// The whole configuration of a run, resolved and checked.
public struct LAMConfiguration: ConfigSection, IgnoresOptions {
    public var seedEverything = SeedSetting.fixed(42)
    public var model = ModelConfiguration()
    public var data = DataConfiguration()
    public var trainer = TrainerConfiguration()
    public var ckptPath: String?

    public init() {}

    public static let options: [ConfigOption<LAMConfiguration>] = [
        .init(
            "seed_everything", \.seedEverything,
            "Seed of the weights and of everything random outside `data`; true or false: drawn at the start."),
        .init("model", \.model, "The latent action model."),
        .init("data", \.data, "The datasets."),
        .init("trainer", \.trainer, "The training loop."),
        .path("ckpt_path", \.ckptPath, "Checkpoint to go on from: a path, `last` or `best`."),
    ]

    static let ignored = [
        IgnoredOption("weights_only", "checkpoints never run code"),
        // Of the files that LightningCLI saves: a model that makes its own optimiser leaves these null.
        .refused("optimizer", "put it under model.optimizer"),
        .refused("lr_scheduler", "put it under model.lr_scheduler"),
        // Arguments of LightningCLI's other commands.
        IgnoredOption("verbose", silent: [.bool(true), .bool(false)], "results are always printed"),
        IgnoredOption("return_predictions", silent: [.bool(true), .bool(false)], "predictions go to files"),
    ]

    /// Reads a merged document and checks the options against each other.
    /// - Returns: the configuration, and the notices and places that reading it left.
    /// - Throws: `ConfigurationError`.
    package static func read(_ document: YAMLNode) throws -> (configuration: LAMConfiguration, context: ConfigContext) {
        var context = ConfigContext()
        let document = LawamFile.translated(document)
        var configuration = try LAMConfiguration(decodingOptionsOf: ConfigNode(document), at: "", in: &context)
        try configuration.resolve(in: &context)
        return (configuration, context)
    }

    /// What `hparams.yaml` holds: the model's and the data's options in one mapping, as Lightning merges them.
    public var hyperParameters: ConfigValue {
        guard case .map(let model) = model.hyperParameters, case .map(let data) = data.hyperParameters else {
            return .map([:])
        }
        return .map(model.merging(data) { model, _ in model })
    }

    /// The resolved whole as YAML that reads back to the same configuration.
    /// - Parameter skippingDefaults: leave out what has its default value.
    public func yaml(skippingDefaults: Bool = false) -> String {
        var value = configValue
        if skippingDefaults { value = Self.difference(value, from: LAMConfiguration().configValue) ?? .map([:]) }
        return YAMLWriter.document(value)
    }

    /// The part of `value` that is not in `base`; class objects and lists differ as wholes.
    private static func difference(_ value: ConfigValue, from base: ConfigValue) -> ConfigValue? {
        guard value != base else { return nil }
        guard case .map(let entries) = value, case .map(let baseEntries) = base, entries["class_path"] == nil else {
            return value
        }
        return .map(
            entries.reduce(into: [:]) { result, entry in
                let inBase = baseEntries[entry.key]
                result[entry.key] = inBase.map { difference(entry.value, from: $0) } ?? entry.value
            })
    }
}
