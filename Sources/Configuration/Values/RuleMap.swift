import LAMData

/// A rule for some datasets, as an entry of a mapping has it.
protocol ConfigRule: NameRule {
    /// What the documentation says of a mapping of such rules.
    static var mapDescription: String { get }
    /// A mapping with one entry, for messages.
    static var example: String { get }
    /// The key of a rule for all datasets, whose pattern is empty. Default: there is none.
    static var keyOfAll: String? { get }

    /// - Parameters:
    ///   - pattern: the entry's key.
    ///   - node: the entry's value; `path` is its own.
    /// - Throws: `ConfigurationError` for a value that is none of this rule.
    init(pattern: String, decoding node: ConfigNode, at path: String, in context: inout ConfigContext) throws

    /// The value of the entry.
    var ruleValue: ConfigValue { get }
}

extension ConfigRule {
    static var keyOfAll: String? { nil }
}

/// Rules by what a dataset's name contains, of which the first match wins: `{aloha: 30}`, or a list of such pairs.
struct RuleMap<Rule: ConfigRule>: ConfigRepresentable, ReadsNull {
    let rules: [Rule]

    static var typeDescription: String { Rule.mapDescription }

    init(_ rules: [Rule]) { self.rules = rules }

    init(decoding node: ConfigNode, at path: String, in context: inout ConfigContext) throws {
        rules = try node.entries(path, example: Rule.example).map { entry in
            let pattern = entry.key == Rule.keyOfAll ? "" : entry.key
            return try Rule(pattern: pattern, decoding: entry.value, at: entry.path, in: &context)
        }
    }

    var configValue: ConfigValue {
        let entries = rules.map { ($0.pattern.isEmpty ? Rule.keyOfAll ?? "" : $0.pattern, $0.ruleValue) }
        // A key that is written twice was one entry too many: the first one is what counted.
        return .map(.init(entries) { first, _ in first })
    }
}

extension ConfigOption {
    /// An option that is a list of rules by dataset.
    static func rules<Rule: ConfigRule>(
        _ key: String, _ field: WritableKeyPath<Section, [Rule]> & Sendable, _ summary: String,
        differs difference: String = ""
    ) -> Self {
        Self(
            key, summary: summary, difference: difference,
            read: { section, node, path, context in
                section[keyPath: field] = try RuleMap<Rule>(decoding: node, at: path, in: &context).rules
            },
            write: { RuleMap($0[keyPath: field]) })
    }
}
