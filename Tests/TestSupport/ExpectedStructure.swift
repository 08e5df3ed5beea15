import Formats

/// Compares a checkpoint with the description of it in `structure.json`; differences are told by path.
public struct ExpectedStructure {
    public private(set) var differences: [String] = []

    public init() {}

    public mutating func compare(_ value: PickleValue, _ expected: JSONValue, at path: String = "$") {
        func differ() { differences.append("\(path): expected \(expected), got \(value)") }
        switch (value, expected) {
        case (.none, .null): break
        case (.bool(let value), .bool(let expected)): if value != expected { differ() }
        case (.int(let value), .number(_, let expected)): if value != expected { differ() }
        case (.float(let value), .number(let expected, _)): if value != expected { differ() }
        case (.string(let value), .string(let expected)): if value != expected { differ() }
        case (.tensor(let tensor), .string(let text)): if !Self.matches(tensor, text) { differ() }
        case (.list(let values), .array(let items)): compare(values, items, at: path)
        case (.tuple(let values), .object(let object)):
            guard object["__pytype__"]?.string == "tuple", let items = object["items"]?.array else { return differ() }
            compare(values, items, at: path)
        case (.dict(let dict), .object(var object)):
            let type = object.removeValue(forKey: "__pytype__")?.string
            guard (type == "collections.OrderedDict") == dict.isOrderedDict, object.count == dict.entries.count else {
                return differ()
            }
            for (key, entry) in dict.entries {
                let name =
                    switch key {
                    case .string(let text): text
                    case .int(let number): "<int>\(number)"
                    default: "?"
                    }
                guard let item = object[name] else {
                    differences.append("\(path): '\(name)' is not expected")
                    continue
                }
                compare(entry, item, at: "\(path).\(name)")
            }
        case (.object(let object), .object(let description)):
            if description["__pytype__"]?.string != "\(object.module).\(object.name)" { differ() }
        default: differ()
        }
    }

    private mutating func compare(_ values: [PickleValue], _ items: [JSONValue], at path: String) {
        guard values.count == items.count else {
            differences.append("\(path): expected \(items.count) elements, got \(values.count)")
            return
        }
        for (index, (value, item)) in zip(values, items).enumerated() { compare(value, item, at: "\(path)[\(index)]") }
    }

    /// `tensor float32 [2, 3]`, for scalars with ` = 3.0`.
    private static func matches(_ tensor: TorchTensor, _ text: String) -> Bool {
        let type = "tensor \(tensor.elementType.torchName) \(tensor.shape)"
        guard tensor.shape.isEmpty else { return text == type }
        guard text.hasPrefix("\(type) = "), let value = Double(text.dropFirst("\(type) = ".count)) else { return false }
        return tensor.contiguous().floats() == [Float(value)]
    }
}
