/// One dataset of the mix and its sampling weight: `["droid", 1.0]` in YAML.
public struct DatasetMixEntry: ConfigRepresentable {
    /// A folder under `data.root`, or a Hugging Face repository id.
    public var repoId: String
    /// Relative to the other weights; above 0.
    public var weight: Double

    public init(repoId: String, weight: Double) {
        self.repoId = repoId
        self.weight = weight
    }

    public static var typeDescription: String { "`[repo_id, weight]` pairs" }

    public init(decoding node: ConfigNode, at path: String, in context: inout ConfigContext) throws {
        guard case .sequence(let parts) = node.yaml.content, parts.count == 2 else {
            throw node.invalid(path, expected: "a pair [repo_id, weight]")
        }
        repoId = try String(decoding: ConfigNode(parts[0]), at: path, in: &context)
        weight = try Double(decoding: ConfigNode(parts[1]), at: path, in: &context)
        guard !repoId.isEmpty else { throw ConfigNode(parts[0]).invalid(path, expected: "the name of a dataset") }
        guard weight > 0 else { throw ConfigNode(parts[1]).invalid(path, expected: "a weight above 0") }
    }

    public var configValue: ConfigValue { .list([.string(repoId), .double(weight)]) }
}
