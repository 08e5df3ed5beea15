/// What the documentation says about one option.
public struct OptionDocumentation: Sendable, Equatable {
    /// The dotted key, `model.optimizer.init_args.lr`.
    public let path: String
    /// Names of the same option in related projects.
    public let aliases: [String]
    public let type: String
    public let `default`: ConfigValue
    public let summary: String
    /// What differs from the original; empty where nothing does.
    public let difference: String

    init<Section>(option: ConfigOption<Section>, default value: ConfigValue) {
        self.init(
            path: option.key, aliases: option.aliases, type: option.typeDescription, default: value,
            summary: option.summary, difference: option.difference)
    }

    init(
        path: String, aliases: [String] = [], type: String, default value: ConfigValue, summary: String,
        difference: String = ""
    ) {
        self.path = path
        self.aliases = aliases
        self.type = type
        self.default = value
        self.summary = summary
        self.difference = difference
    }

    func nested(in key: String) -> OptionDocumentation {
        OptionDocumentation(
            path: "\(key).\(path)", aliases: aliases, type: type, default: self.default, summary: summary,
            difference: difference)
    }

    /// The shortest form that arguments take, `model.optimizer.lr`.
    package var argumentName: String { path.replacing(".init_args.", with: ".") }

    /// Whether the option is a heading over others rather than a value of its own.
    public var isSection: Bool { type == "section" }
}
