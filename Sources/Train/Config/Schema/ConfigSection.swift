import OrderedCollections

/// A mapping of options with a fixed schema. `init()` gives every default.
public protocol ConfigSection: ConfigRepresentable {
    init()
    static var options: [ConfigOption<Self>] { get }
}

/// A section that also knows keys without effect here.
protocol IgnoresOptions {
    static var ignored: [IgnoredOption] { get }
}

extension ConfigSection {
    public static var typeDescription: String { "section" }

    public static var nestedOptions: [OptionDocumentation] {
        let defaults = Self()
        return options.flatMap { option in
            [OptionDocumentation(option: option, default: option.write(defaults))]
                + option.nested.map { $0.nested(in: option.key) }
        }
    }

    public init(decoding node: ConfigNode, at path: String, in context: inout ConfigContext) throws {
        try self.init(decodingOptionsOf: node, at: path, in: &context)
    }

    public var configValue: ConfigValue {
        .map(.init(uniqueKeysWithValues: Self.options.map { ($0.key, $0.write(self)) }))
    }

    /// Reads a mapping of options; null gives the defaults.
    init(decodingOptionsOf node: ConfigNode, at path: String, in context: inout ConfigContext) throws {
        self.init()
        if node.yaml.isNull { return }
        guard case .mapping(let entries) = node.yaml.content else {
            throw node.invalid(path, expected: "a mapping of options")
        }
        var written: [String: ConfigLocation] = [:]
        for entry in entries {
            let entryPath = path.isEmpty ? entry.key : "\(path).\(entry.key)"
            let child = ConfigNode(entry.value)
            if let option = Self.options.first(where: { $0.key == entry.key || $0.aliases.contains(entry.key) }) {
                if let first = written.updateValue(entry.keyLocation, forKey: option.key) {
                    throw ConfigurationError.duplicateKey(key: option.key, first: first, second: entry.keyLocation)
                }
                context.locations[path.isEmpty ? option.key : "\(path).\(option.key)"] = entry.value.location
                try option.read(&self, child, entryPath, &context)
            } else if let ignored = Self.ignoredOptions.first(where: { $0.key == entry.key }) {
                if !child.yaml.isNull, !ignored.silent.contains(child.value) {
                    context.note(entryPath, child.value.inline, ignored.reason)
                }
            } else {
                throw ConfigurationError.unknownKey(
                    path: entryPath, at: entry.keyLocation, nearest: NearestName.find(entry.key, in: Self.knownKeys))
            }
        }
    }

    private static var ignoredOptions: [IgnoredOption] { (Self.self as? any IgnoresOptions.Type)?.ignored ?? [] }

    private static var knownKeys: [String] {
        options.flatMap { [$0.key] + $0.aliases } + ignoredOptions.map(\.key)
    }
}
