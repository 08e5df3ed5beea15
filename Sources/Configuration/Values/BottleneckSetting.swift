import DataCore
import LAM
import OrderedCollections

/// `model.bottleneck`: a kind of bottleneck with its own options, as a class object: `vae`, or
///
/// ```yaml
/// bottleneck:
///   class_path: vae
///   init_args:
///     beta: 1e-4
/// ```
public struct BottleneckSetting: ConfigRepresentable {
    public var choice: BottleneckChoice

    public init(_ choice: BottleneckChoice = BottleneckChoice()) { self.choice = choice }

    public static var typeDescription: String {
        "object of " + BottleneckKind.all.map { "`\($0.name)`" }.joined(separator: ", ")
    }

    public static var nestedOptions: [OptionDocumentation] {
        BottleneckKind.all.flatMap { kind in
            kind.options.map { option in
                OptionDocumentation(
                    path: option.name, type: option.bound.typeDescription, default: option.initial.configValue,
                    summary: option.summary
                ).nested(in: "init_args").nested(in: kind.name)
            }
        }
    }

    public init(decoding node: ConfigNode, at path: String, in context: inout ConfigContext) throws {
        let object = try ClassObject(node, at: path)
        let names = BottleneckKind.all.map(\.name)
        var choice = BottleneckChoice()
        if let name = object.className {
            guard let kind = BottleneckKind.named(name) else {
                throw ConfigurationError.unknownName(
                    path: path, at: object.classLocation, got: name, known: names,
                    nearest: NearestName.find(name, in: names))
            }
            choice = BottleneckChoice(kind)
        }
        guard case .mapping(let entries) = object.arguments.yaml.content else {
            throw node.invalid(path, expected: "a mapping of options")
        }
        for entry in entries {
            let place = "\(path).init_args.\(entry.key)"
            guard let option = choice.kind.options.first(where: { $0.name == entry.key }) else {
                throw Self.unknown(entry, of: choice.kind, at: place)
            }
            let child = ConfigNode(entry.value)
            context.locations[place] = entry.value.location
            guard !child.yaml.isNull else {
                context.note(place, "null", "the default, \(option.initial.configValue.inline)")
                continue
            }
            let value = try option.bound.value(child, at: place, in: &context)
            guard option.allows(value) else { throw child.invalid(place, expected: option.bound.expected) }
            choice[option.name] = value
        }
        self.init(choice)
    }

    /// What is wrong with an option that the kind does not have: it is misspelt, or another kind's.
    private static func unknown(
        _ entry: YAMLNode.Entry, of kind: BottleneckKind, at place: String
    ) -> ConfigurationError {
        let own = kind.options.map(\.name)
        let nearest = NearestName.find(entry.key, in: own)
        let owners = BottleneckKind.all.filter { $0.options.contains { $0.name == entry.key } }.map(\.name)
        guard !owners.isEmpty else {
            return .unknownKey(path: place, at: entry.keyLocation, nearest: nearest)
        }
        let offers = own.isEmpty ? "has none" : "has " + own.joined(separator: ", ")
        return .conflict(
            path: place, at: entry.keyLocation,
            problem:
                "an option of \(owners.joined(separator: ", ")), but the bottleneck is \(kind.name), which \(offers)",
            remedy: (nearest.map { "did you mean `\($0)`, or " } ?? "")
                + "remove it, or set model.bottleneck to \(owners[0])")
    }

    public var configValue: ConfigValue {
        let values = choice.kind.options.map { ($0.name, choice[$0.name].configValue) }
        var object: OrderedDictionary<String, ConfigValue> = ["class_path": .string(choice.kind.name)]
        if !values.isEmpty { object["init_args"] = .map(OrderedDictionary(uniqueKeysWithValues: values)) }
        return .map(object)
    }
}

extension BottleneckOption.Value {
    var configValue: ConfigValue {
        switch self {
        case .number(let number): .double(number)
        case .flag(let flag): .bool(flag)
        case .integers(let values): values.count == 1 ? .int(values[0]) : .list(values.map { .int($0) })
        case .choice(let name): .string(name)
        }
    }
}

extension BottleneckOption.Bound {
    /// As messages say it.
    var expected: String {
        switch self {
        case .nonNegative: "a number of 0 or more"
        case .positive: "a number above 0"
        case .belowOne: "a number from 0 up to but not 1"
        case .flag: "true or false"
        case .integers(let lowest, let highest): "integers from \(lowest) to \(highest)"
        case .oneOf(let names): names.joined(separator: " or ")
        }
    }

    var typeDescription: String {
        switch self {
        case .nonNegative: "number of 0 or more"
        case .positive: "number above 0"
        case .belowOne: "number from 0 up to but not 1"
        case .flag: Bool.typeDescription
        case .integers(let lowest, let highest): "integer or list of them, \(lowest) to \(highest)"
        case .oneOf(let names): names.map { "`\($0)`" }.joined(separator: ", ")
        }
    }

    /// Reads a value of this type.
    fileprivate func value(
        _ node: ConfigNode, at path: String, in context: inout ConfigContext
    ) throws -> BottleneckOption.Value {
        switch self {
        case .nonNegative, .positive, .belowOne: .number(try Double(decoding: node, at: path, in: &context))
        case .flag: .flag(try Bool(decoding: node, at: path, in: &context))
        case .integers:
            if case .int(let value) = node.value {
                .integers([value])
            } else {
                .integers(try [Int](decoding: node, at: path, in: &context))
            }
        case .oneOf: .choice(try String(decoding: node, at: path, in: &context))
        }
    }
}
