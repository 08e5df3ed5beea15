import Foundation

/// Any JSON, for golden files without a fixed schema. Numbers keep their exact double and, where they have one, their
/// exact integer (`JSONSerialization` rounds some doubles differently).
public enum JSONValue: Decodable, Sendable {
    case null
    case bool(Bool)
    case number(Double, exact: Int?)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    public init(contentsOf url: URL) throws {
        self = try JSONDecoder().decode(JSONValue.self, from: Data(contentsOf: url))
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value, exact: try? container.decode(Int.self))
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    public subscript(key: String) -> JSONValue? { object?[key] }

    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    public var int: Int? { if case .number(_, let exact) = self { exact } else { nil } }
    public var double: Double? { if case .number(let value, _) = self { value } else { nil } }
    public var string: String? { if case .string(let value) = self { value } else { nil } }
    public var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
    public var object: [String: JSONValue]? { if case .object(let value) = self { value } else { nil } }
    public var ints: [Int]? {
        guard let array else { return nil }
        let values = array.compactMap(\.int)
        return values.count == array.count ? values : nil
    }
}
