import LAMData

/// `{kitchen: 0.5}`: seconds that a pair spans.
extension StreamOptions.WindowSeconds: ConfigRule {
    static var mapDescription: String { "mapping of part of a name to seconds, or pairs of them" }
    static var example: String { "{kitchen: 0.5}" }

    init(pattern: String, decoding node: ConfigNode, at path: String, in context: inout ConfigContext) throws {
        let seconds = try Double(decoding: node, at: path, in: &context)
        guard seconds > 0, seconds <= 1e6 else { throw node.invalid(path, expected: "seconds above 0, up to 1000000") }
        self.init(pattern: pattern, seconds: seconds)
    }

    var ruleValue: ConfigValue { .double(seconds) }
}

/// `{droid: [0, "3:10"], kitchen: kept.txt, lab: {task: cup}}`: episodes.
extension StreamOptions.EpisodeRule: ConfigRule {
    static var mapDescription: String {
        "mapping of part of a name to a list of numbers and ranges, a file, or a mapping of conditions"
    }
    static var example: String { "{droid: [0, \"3:10\"]}" }
    private static let expected = "numbers and ranges such as [0, \"3:10\"], a file, or conditions such as {task: cup}"

    init(pattern: String, decoding node: ConfigNode, at path: String, in context: inout ConfigContext) throws {
        self.init(pattern: pattern, choice: try Self.choice(node, at: path))
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

    var ruleValue: ConfigValue {
        switch choice {
        case .numbers(let ranges):
            .list(ranges.map { $0.text.contains(":") ? .string($0.text) : .int($0.first) })
        case .file(let path): .string(path)
        case .facts(let facts): .map(.init(facts.map { ($0.field, .string($0.value)) }) { first, _ in first })
        }
    }
}
