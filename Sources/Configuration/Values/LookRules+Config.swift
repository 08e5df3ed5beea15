import LAMData

/// `{libero: vertical}`: turns of pictures, by what a dataset's name, or `NAME/CAMERA`, contains.
extension StreamOptions.Flip: ConfigRule {
    static var mapDescription: String { "mapping of part of a name to `none`, `horizontal`, `vertical` or `both`" }
    static var example: String { "{libero: vertical}" }

    init(pattern: String, decoding node: ConfigNode, at path: String, in context: inout ConfigContext) throws {
        let name = try String(decoding: node, at: path, in: &context)
        guard let orientation = FrameOrientation(named: name) else {
            throw node.invalid(path, expected: "none, horizontal, vertical or both")
        }
        self.init(pattern: pattern, orientation: orientation)
    }

    var ruleValue: ConfigValue { .string(orientation.rawValue) }
}

/// `{aloha: rgb}`: orders of channels, by what a dataset's name, or `NAME/CAMERA`, contains.
extension StreamOptions.Channels: ConfigRule {
    static var mapDescription: String { "mapping of part of a name to `rgb` or `bgr`" }
    static var example: String { "{aloha: rgb}" }

    init(pattern: String, decoding node: ConfigNode, at path: String, in context: inout ConfigContext) throws {
        let name = try String(decoding: node, at: path, in: &context)
        guard let order = ChannelOrder(rawValue: name.lowercased()) else {
            throw node.invalid(path, expected: "rgb or bgr")
        }
        self.init(pattern: pattern, order: order)
    }

    var ruleValue: ConfigValue { .string(order.rawValue) }
}

/// `{range: [0, 2000]}` for all depth cameras, `{wrist: [0, 500]}` by what `NAME/CAMERA` contains.
extension StreamOptions.DepthRange: ConfigRule {
    static var mapDescription: String { "`range`, or part of a name, to `[MIN, MAX]`" }
    static var example: String { "{range: [0, 2000]}" }
    static var keyOfAll: String? { "range" }

    init(pattern: String, decoding node: ConfigNode, at path: String, in context: inout ConfigContext) throws {
        let (first, second) = try node.pair(path, expected: "a pair [MIN, MAX]")
        let minimum = try Double(decoding: first, at: path, in: &context)
        let maximum = try Double(decoding: second, at: path, in: &context)
        guard minimum.isFinite, maximum.isFinite, minimum < maximum else {
            throw node.invalid(path, expected: "a pair [MIN, MAX] with MIN below MAX")
        }
        self.init(pattern: pattern, minimum: minimum, maximum: maximum)
    }

    var ruleValue: ConfigValue { .list([.double(minimum), .double(maximum)]) }
}
