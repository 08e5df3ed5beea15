import LAMData
import OrderedCollections

extension PadAtEndOption: ConfigChoice {}
extension AugmentPairOption: ConfigChoice {}
extension CropOption: ConfigChoice {}
extension AugmentDrawsOption: ConfigChoice {}
extension BadSampleOption: ConfigChoice {}

/// A number of frames, or the name of a rule.
extension WindowOption: ConfigRepresentable {
    public static var typeDescription: String { "`auto`, `original`, or an integer from 2 to 1000000" }

    public init(decoding node: ConfigNode, at path: String, in context: inout ConfigContext) throws {
        switch node.value {
        case .string("auto"): self = .auto
        case .string("original"): self = .original
        case .int(let frames) where (2...1_000_000).contains(frames): self = .fixed(frames)
        default: throw node.invalid(path, expected: "auto, original, or an integer from 2 to 1000000")
        }
    }

    public var configValue: ConfigValue {
        switch self {
        case .auto: .string("auto")
        case .original: .string("original")
        case .fixed(let frames): .int(frames)
        }
    }
}

/// `["droid", 1.0]`: a dataset and its sampling weight.
extension StreamOptions.MixEntry: ConfigRepresentable {
    public static var typeDescription: String { "`[repo_id, weight]` pairs" }

    public init(decoding node: ConfigNode, at path: String, in context: inout ConfigContext) throws {
        let (first, second) = try node.pair(path, expected: "a pair [repo_id, weight]")
        let name = try String(decoding: first, at: path, in: &context)
        let weight = try Double(decoding: second, at: path, in: &context)
        guard !name.isEmpty else { throw first.invalid(path, expected: "the name of a dataset") }
        guard weight > 0 else { throw second.invalid(path, expected: "a weight above 0") }
        self.init(name, weight)
    }

    public var configValue: ConfigValue { .list([.string(name), .double(weight)]) }
}

/// `{droid: observation.images.exterior_1_left}`: cameras; of a list each one's pictures are samples of their own.
extension StreamOptions.ImageKey: ConfigRule {
    static var mapDescription: String {
        "mapping of part of repo_id to camera or list of cameras, or pairs of them"
    }
    static var example: String { "{droid: observation.images.exterior_1_left}" }

    init(pattern: String, decoding node: ConfigNode, at path: String, in context: inout ConfigContext) throws {
        let nodes = node.items ?? [node]
        guard !nodes.isEmpty else { throw node.invalid(path, expected: "a camera, or a list of them") }
        self.init(pattern: pattern, keys: try nodes.map { try String(decoding: $0, at: path, in: &context) })
    }

    var ruleValue: ConfigValue { keys.count == 1 ? .string(keys[0]) : .list(keys.map { .string($0) }) }
}

/// `{square: valid}`: lists of `/mask`.
extension StreamOptions.FilterKey: ConfigRule {
    static var mapDescription: String { "mapping of part of a name to a list's name, or pairs of them" }
    static var example: String { "{square: valid}" }

    init(pattern: String, decoding node: ConfigNode, at path: String, in context: inout ConfigContext) throws {
        self.init(pattern: pattern, key: try String(decoding: node, at: path, in: &context))
    }

    var ruleValue: ConfigValue { .string(key) }
}

/// `{aloha: 30}`: frames per second.
extension StreamOptions.Rate: ConfigRule {
    static var mapDescription: String { "mapping of part of a name to frames per second, or pairs of them" }
    static var example: String { "{aloha: 30}" }

    init(pattern: String, decoding node: ConfigNode, at path: String, in context: inout ConfigContext) throws {
        let fps = try Double(decoding: node, at: path, in: &context)
        guard fps > 0, fps <= 1e6 else {
            throw node.invalid(path, expected: "frames per second above 0, up to 1000000")
        }
        self.init(pattern: pattern, fps: fps)
    }

    var ruleValue: ConfigValue { .double(fps) }
}

/// The type of seeds.
extension UInt64: ConfigRepresentable {
    public static var typeDescription: String { "integer of 0 or more" }

    public init(decoding node: ConfigNode, at path: String, in context: inout ConfigContext) throws {
        guard case .int(let value) = node.value, let seed = UInt64(exactly: value) else {
            throw node.invalid(path, expected: "an integer of 0 or more")
        }
        self = seed
    }

    /// Values read from YAML fit into `Int`; a larger one, set in code, is written as the text of its digits.
    public var configValue: ConfigValue { Int(exactly: self).map { .int($0) } ?? .string(String(self)) }
}

extension ConfigNode {
    /// The keys and values of a mapping, or of a list of pairs, with the values' own paths; none of `null`.
    func entries(
        _ path: String, example: String
    ) throws -> [(key: String, value: ConfigNode, path: String)] {
        if yaml.isNull { return [] }
        let expected = "a mapping such as \(example), or a list of such pairs"
        switch yaml.content {
        case .mapping(let entries): return entries.map { ($0.key, ConfigNode($0.value), "\(path).\($0.key)") }
        case .sequence(let items):
            return try items.enumerated().map { index, item in
                let (key, value) = try ConfigNode(item).pair("\(path)[\(index)]", expected: "a pair [name, value]")
                guard let text = key.text else { throw key.invalid("\(path)[\(index)]", expected: "a name") }
                return (text, value, "\(path)[\(index)]")
            }
        case .scalar: throw invalid(path, expected: expected)
        }
    }

    /// The entries of a list; nil for anything else.
    var items: [ConfigNode]? {
        guard case .sequence(let items) = yaml.content else { return nil }
        return items.map { ConfigNode($0) }
    }

    func pair(_ path: String, expected: String) throws -> (ConfigNode, ConfigNode) {
        guard case .sequence(let parts) = yaml.content, parts.count == 2 else {
            throw invalid(path, expected: expected)
        }
        return (ConfigNode(parts[0]), ConfigNode(parts[1]))
    }
}
