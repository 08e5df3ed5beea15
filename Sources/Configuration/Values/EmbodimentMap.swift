/// `{g1: 26}`: kinds of robots by what a dataset's name contains; the first match wins.
public struct EmbodimentMap: ConfigRepresentable, ReadsNull {
    public struct Entry: Sendable, Equatable {
        public var pattern: String
        public var id: Int
    }

    public var entries: [Entry] = []

    public static var typeDescription: String { "mapping of part of a name to an integer, or pairs of them" }

    public init() {}

    public init(decoding node: ConfigNode, at path: String, in context: inout ConfigContext) throws {
        entries = try node.entries(path, example: "{g1: 26}").map { entry in
            let id = try Int(decoding: entry.value, at: entry.path, in: &context)
            guard id >= 0 else { throw entry.value.invalid(entry.path, expected: "an integer of 0 or more") }
            return Entry(pattern: entry.key, id: id)
        }
    }

    public var configValue: ConfigValue {
        .map(.init(entries.map { ($0.pattern, ConfigValue.int($0.id)) }) { first, _ in first })
    }

    /// Of a dataset, in any case; the last of `count` kinds where nothing matches.
    public func id(of name: String, below count: Int) -> Int {
        let name = name.lowercased()
        return entries.first { name.contains($0.pattern.lowercased()) }?.id ?? count - 1
    }
}
