import OrderedCollections

/// The options that a checkpoint's model and data were configured with: what stands in for those that nobody gives to a
/// command that only uses the model.
public struct SavedOptions: Sendable {
    /// The checkpoint's file, for messages.
    public var path: String
    /// Mappings of options; anything else counts as none.
    public var model: ConfigValue
    public var data: ConfigValue

    public init(path: String, model: ConfigValue, data: ConfigValue) {
        (self.path, self.model, self.data) = (path, model, data)
    }

    /// A document with these options below it. Options that there are none of any more are left out.
    ///
    /// Where the document names none of the datasets that the model was trained on, none of theirs are held out.
    /// - Throws: `ConfigurationError` of values that are none of a configuration.
    func below(_ document: YAMLNode) throws -> YAMLNode {
        let modelKeys = ModelConfiguration.options.map { (key: $0.key, aliases: $0.aliases) }
        var base: OrderedDictionary<String, ConfigValue> = [
            "model": Self.known(model, modelKeys, given: document["model"])
        ]
        let dataKeys = DataConfiguration.options.map { (key: $0.key, aliases: $0.aliases) }
        var data = Self.known(self.data, dataKeys, given: document["data"])
        if case .map(var entries) = data, let mix = document["data"]?["dataset_mix"], !Self.share(mix.value, self.data)
        {
            entries["val_fraction"] = .double(0)
            // They speak of other datasets.
            for key in ["episodes", "data_mix", "feature_cache"] { entries[key] = nil }
            data = .map(entries)
        }
        base["data"] = data
        return try YAMLComposer.compose(YAMLWriter.document(.map(base)), source: .file(path)).overlaid(with: document)
    }

    /// Whether a mix has one of the datasets of the saved options.
    private static func share(_ mix: ConfigValue, _ saved: ConfigValue) -> Bool {
        !names(mix).isDisjoint(with: names(saved["dataset_mix"] ?? .null))
    }

    private static func names(_ mix: ConfigValue) -> Set<String> {
        guard case .list(let entries) = mix else { return [] }
        return Set(
            entries.compactMap { entry in
                guard case .list(let parts) = entry, case .string(let name)? = parts.first else { return nil }
                // The last part tells a dataset, wherever it lies.
                return name.split(separator: "/").last.map(String.init)
            })
    }

    private static func known(
        _ saved: ConfigValue, _ options: [(key: String, aliases: [String])], given: YAMLNode?
    ) -> ConfigValue {
        guard case .map(let entries) = saved else { return .map([:]) }
        return .map(
            entries.filter { entry in
                guard let option = options.first(where: { $0.key == entry.key }) else { return false }
                return option.aliases.allSatisfy { given?[$0] == nil }
            })
    }
}
