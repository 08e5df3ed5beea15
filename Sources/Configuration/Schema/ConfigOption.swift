import Formats

/// One option of a section: its key, its home in the section's type, its rule and its documentation.
///
/// The default is the one that the section's `init()` sets, so that it is written once.
public struct ConfigOption<Section: ConfigSection>: Sendable {
    /// The key in YAML, byte for byte as in the original.
    let key: String
    /// The key's name in related projects.
    let aliases: [String]
    let summary: String
    /// What differs from the original, where something does.
    let difference: String
    let typeDescription: String
    let nested: [OptionDocumentation]
    /// Whether null is a value of its own rather than a request for the default.
    let isNullable: Bool
    private(set) var read: @Sendable (inout Section, ConfigNode, String, inout ConfigContext) throws -> Void
    let write: @Sendable (Section) -> ConfigValue
    /// Whether a model's tensors mean something else with another value, so that a checkpoint of one is no use to the other.
    private(set) var decidesMeaning: @Sendable (Section) -> Bool = { _ in false }

    init<Value: ConfigRepresentable>(
        _ key: String, _ field: WritableKeyPath<Section, Value> & Sendable, aliases: [String] = [],
        _ rule: ValueRule<Value>?, _ summary: String, differs difference: String = ""
    ) {
        self.key = key
        self.aliases = aliases
        self.summary = summary
        self.difference = difference
        typeDescription = rule?.typeDescription ?? Value.typeDescription
        nested = Value.nestedOptions
        isNullable = Value.self is any ReadsNull.Type || Value.self is any ConfigSection.Type
        read = { section, node, path, context in
            let value = try Value(decoding: node, at: path, in: &context)
            if let rule, !rule.holds(value) { throw node.invalid(path, expected: rule.expected) }
            section[keyPath: field] = value
        }
        write = { $0[keyPath: field].configValue }
    }

    init<Value: ConfigRepresentable>(
        _ key: String, _ field: WritableKeyPath<Section, Value> & Sendable, aliases: [String] = [],
        _ summary: String, differs difference: String = ""
    ) {
        self.init(key, field, aliases: aliases, nil, summary, differs: difference)
    }

    /// An option that the section keeps in another form than YAML.
    init<Value: ConfigRepresentable>(
        _ key: String, summary: String, difference: String,
        read: @escaping @Sendable (inout Section, ConfigNode, String, inout ConfigContext) throws -> Void,
        write: @escaping @Sendable (Section) -> Value
    ) {
        (self.key, aliases, self.summary, self.difference) = (key, [], summary, difference)
        (typeDescription, nested) = (Value.typeDescription, Value.nestedOptions)
        isNullable = Value.self is any ReadsNull.Type
        self.read = read
        self.write = { write($0).configValue }
    }
}

extension ConfigOption {
    /// The same option, which decides what a model's tensors mean.
    ///
    /// - Parameter isUsed: whether a model so configured has a use for it; others may have any value.
    func decidingMeaning(where isUsed: @escaping @Sendable (Section) -> Bool = { _ in true }) -> Self {
        var option = self
        option.decidesMeaning = isUsed
        return option
    }

    /// An option that is a place on this disk, or may be: a leading `~` is the home folder.
    static func path(
        _ key: String, _ field: WritableKeyPath<Section, String?> & Sendable, aliases: [String] = [],
        _ summary: String, differs difference: String = ""
    ) -> Self {
        var option = Self(key, field, aliases: aliases, summary, differs: difference)
        let read = option.read
        option.read = { section, node, path, context in
            try read(&section, node, path, &context)
            // To YAML a bare `~` is null, but who types it as an argument means the folder.
            let text = node.yaml.argumentText == "~" ? "~" : section[keyPath: field]
            section[keyPath: field] = text.map { HomeFolder.expanding($0) }
        }
        return option
    }
}

/// A bound on an option's value, with the words that name it in messages and documentation.
struct ValueRule<Value>: Sendable {
    /// As messages say it: "an integer of 1 or more".
    let expected: String
    /// As the documentation's column of types says it.
    let typeDescription: String
    let holds: @Sendable (Value) -> Bool

    init(expected: String, typeDescription: String? = nil, holds: @escaping @Sendable (Value) -> Bool) {
        self.expected = expected
        self.typeDescription = typeDescription ?? expected
        self.holds = holds
    }
}

extension ValueRule {
    /// The same bound on a value that may be absent.
    static func ifPresent<Wrapped>(_ rule: ValueRule<Wrapped>) -> Self where Value == Wrapped? {
        Self(expected: rule.expected, typeDescription: rule.typeDescription + ", or null") {
            $0.map(rule.holds) ?? true
        }
    }
}

extension ValueRule<Int> {
    /// For counts of steps; with room for arithmetic on them.
    static let positive = from(1, to: 1_000_000_000_000)
    static let nonNegative = from(0, to: 1_000_000_000_000)
    /// `nonNegative`, or -1 for "no limit".
    static let limit = from(-1, to: 1_000_000_000_000)

    static func only(_ value: Int) -> Self { Self(expected: "\(value)") { $0 == value } }

    static func from(_ low: Int, to high: Int) -> Self {
        Self(expected: "an integer from \(low) to \(high)", typeDescription: "integer, \(low) to \(high)") {
            (low...high).contains($0)
        }
    }
}

extension ValueRule<Double> {
    static let positive = Self(expected: "a number above 0", typeDescription: "number above 0") { $0 > 0 }
    static let nonNegative = Self(expected: "a number of 0 or more", typeDescription: "number of 0 or more") { $0 >= 0 }
    static let upToAMillion = Self(
        expected: "a number above 0, up to 1000000", typeDescription: "number above 0, up to 1000000"
    ) { $0 > 0 && $0 <= 1e6 }
    static let share = Self(expected: "a number from 0 to 1", typeDescription: "number from 0 to 1") {
        (0...1).contains($0)
    }
    /// For shares and decay rates.
    static let belowOne = Self(
        expected: "a number from 0 up to but not 1", typeDescription: "number from 0 up to but not 1"
    ) { $0 >= 0 && $0 < 1 }
}

/// A key of the original or of Lightning that has no effect here.
struct IgnoredOption: Sendable {
    let key: String
    /// Values that ask for nothing, so that they need no notice; null is always one.
    let silent: [ConfigValue]
    /// Says what happens instead, or what to do instead of giving an option that is refused.
    let reason: String
    /// Whether any other value is an error, because leaving it out would change what is learnt.
    let isRefused: Bool

    init(_ key: String, silent: [ConfigValue] = [], _ reason: String) {
        self.init(key, silent: silent, reason, isRefused: false)
    }

    private init(_ key: String, silent: [ConfigValue], _ reason: String, isRefused: Bool) {
        self.key = key
        self.silent = silent
        self.reason = reason
        self.isRefused = isRefused
    }

    static func refused(_ key: String, silent: [ConfigValue] = [], _ remedy: String) -> IgnoredOption {
        IgnoredOption(key, silent: silent, remedy, isRefused: true)
    }
}
