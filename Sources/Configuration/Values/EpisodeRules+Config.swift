import LAMData

/// `{kitchen: 0.5}`: seconds that a pair spans, by what a dataset's name contains; the first match wins.
public struct SecondsMap: ConfigRepresentable, ReadsNull {
    public var rules: [StreamOptions.WindowSeconds]

    public static var typeDescription: String { "mapping of part of a name to seconds, or pairs of them" }

    public init(_ rules: [StreamOptions.WindowSeconds]) { self.rules = rules }

    public init(decoding node: ConfigNode, at path: String, in context: inout ConfigContext) throws {
        rules = try node.entries(path, example: "{kitchen: 0.5}").map { entry in
            let seconds = try Double(decoding: entry.value, at: entry.path, in: &context)
            guard seconds > 0, seconds <= 1e6 else {
                throw entry.value.invalid(entry.path, expected: "seconds above 0, up to 1000000")
            }
            return .init(pattern: entry.key, seconds: seconds)
        }
    }

    public var configValue: ConfigValue {
        .map(.init(rules.map { ($0.pattern, ConfigValue.double($0.seconds)) }) { first, _ in first })
    }
}

/// `{droid: [0, "3:10"], kitchen: kept.txt, lab: {task: cup}}`: episodes by what a dataset's name contains.
public struct EpisodeMap: ConfigRepresentable, ReadsNull {
    public var rules: [StreamOptions.EpisodeRule]

    public static var typeDescription: String {
        "mapping of part of a name to a list of numbers and ranges, a file, or a mapping of conditions"
    }
    private static let expected = "numbers and ranges such as [0, \"3:10\"], a file, or conditions such as {task: cup}"

    public init(_ rules: [StreamOptions.EpisodeRule]) { self.rules = rules }

    public init(decoding node: ConfigNode, at path: String, in context: inout ConfigContext) throws {
        rules = try node.entries(path, example: "{droid: [0, \"3:10\"]}").map { entry in
            .init(pattern: entry.key, choice: try Self.choice(entry.value, at: entry.path))
        }
    }

    private static func choice(_ node: ConfigNode, at path: String) throws -> EpisodeChoice {
        if let items = node.items {
            return .numbers(
                try items.map { item in
                    guard let range = item.text.flatMap({ EpisodeRange($0) }) else {
                        throw item.invalid(
                            path, expected: "a number from 0 or a range such as \"3:10\", which is 3 to 9")
                    }
                    return range
                })
        }
        if case .mapping(let members) = node.yaml.content {
            return .facts(
                try members.map { member in
                    guard let text = ConfigNode(member.value).text else {
                        throw node.invalid(
                            "\(path).\(member.key)", expected: "a text, a number or a range such as \"10:\"")
                    }
                    return EpisodeFact(field: member.key, value: text)
                })
        }
        guard let text = node.text, !text.isEmpty else { throw node.invalid(path, expected: Self.expected) }
        return EpisodeRange(text).map { .numbers([$0]) } ?? .file(text)
    }

    public var configValue: ConfigValue {
        .map(.init(rules.map { ($0.pattern, Self.value($0.choice)) }) { first, _ in first })
    }

    private static func value(_ choice: EpisodeChoice) -> ConfigValue {
        switch choice {
        case .numbers(let ranges):
            .list(ranges.map { $0.text.contains(":") ? .string($0.text) : .int($0.first) })
        case .file(let path): .string(path)
        case .facts(let facts): .map(.init(facts.map { ($0.field, .string($0.value)) }) { first, _ in first })
        }
    }
}
