import DataCore
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

/// A section of options that are Lightning's or PyTorch's, whose files write null for "the usual value".
protocol TakesNullForDefault {}

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
    ///
    /// So it does for a single option whose type has no null: LightningCLI saves files that are full of them. In the
    /// model's and the data's options such a null is more likely a value that was forgotten, and a notice says so.
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
                if child.yaml.isNull, !option.isNullable {
                    if !(Self.self is any TakesNullForDefault.Type) {
                        context.note(entryPath, "null", "the default, \(option.write(self).inline)")
                    }
                } else {
                    try option.read(&self, child, entryPath, &context)
                }
            } else if let ignored = Self.ignoredOptions.first(where: { $0.key == entry.key }) {
                try ignored.check(child, at: entryPath, in: &context)
            } else {
                throw ConfigurationError.unknownKey(
                    path: entryPath, at: entry.keyLocation,
                    nearest: NearestName.find(entry.key, in: Self.knownKeys) ?? Self.elsewhere(entry.key))
            }
        }
    }

    private static var ignoredOptions: [IgnoredOption] { (Self.self as? any IgnoresOptions.Type)?.ignored ?? [] }

    /// Where an option of that name is, if it is in another section.
    private static func elsewhere(_ key: String) -> String? {
        let spelled = key.replacing("-", with: "_")
        return LAMConfiguration.nestedOptions.first { $0.path.hasSuffix(".\(spelled)") }?.argumentName
    }

    private static var knownKeys: [String] {
        options.flatMap { [$0.key] + $0.aliases } + ignoredOptions.map(\.key)
    }
}

extension IgnoredOption {
    /// Notes or refuses a value that asks for something.
    fileprivate func check(_ node: ConfigNode, at path: String, in context: inout ConfigContext) throws {
        guard !node.yaml.isNull, !silent.contains(node.value) else { return }
        guard !isRefused else {
            throw ConfigurationError.unavailable(path: path, at: node.location, got: node.shown, remedy: reason)
        }
        context.note(path, node.shown, reason)
    }
}
