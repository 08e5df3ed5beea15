import DataCore
import Formats
import Parquet

/// A feature that is stored as a column of the data files.
public struct StoredColumn: Sendable {
    package let feature: String
    package let dtype: String
    /// Of one frame's value, as `info.json` has it.
    package let shape: [Int]
    package let names: JSON
    package let type: ParquetType
    /// Whether the type is what the files have rather than what dtype and shape say: lists of structures.
    package let isNested: Bool

    /// The most dimensions that `datasets` has a type for.
    private static let largestRank = 5

    /// - Returns: nil for a dtype that has no form in a column.
    init?(feature: String, dtype: String, shape: [Int], names: JSON) {
        guard var type = ParquetType(dtype: dtype), shape.count <= Self.largestRank else { return nil }
        let shape = shape.isEmpty ? [1] : shape
        if shape != [1] { for _ in shape { type = .list(type) } }
        (self.feature, self.dtype, self.shape, self.names, self.type) = (feature, dtype, shape, names, type)
        isNested = false
    }

    /// A column of a dtype that says nothing of its form, such as LeRobot's `language`, with the form that it has.
    init(feature: String, dtype: String, shape: [Int], names: JSON, type: ParquetType) {
        (self.feature, self.dtype, self.shape, self.names, self.type) = (feature, dtype, shape, names, type)
        isNested = true
    }

    /// The same without names of entries.
    package init?(feature: String, dtype: String, shape: [Int]) {
        self.init(feature: feature, dtype: dtype, shape: shape, names: .null)
    }

    /// The entry of `features` in `info.json`.
    package var description: JSON {
        .object([("dtype", .string(dtype)), ("shape", .array(shape.map { .int($0) })), ("names", names)])
    }

    /// The feature's type as Hugging Face's `datasets` keeps it in the metadata of a Parquet file.
    package var huggingFace: JSON {
        let value = JSON.object([("dtype", .string(dtype)), ("_type", .string("Value"))])
        switch shape.count {
        case 1 where shape == [1]: return value
        case 1:
            return .object([("feature", value), ("length", .int(shape[0])), ("_type", .string("Sequence"))])
        default:
            return .object([
                ("shape", .array(shape.map { .int($0) })), ("dtype", .string(dtype)),
                ("_type", .string("Array\(shape.count)D")),
            ])
        }
    }
}

extension ParquetType {
    /// By the name that LeRobot's `features` use.
    init?(dtype: String) {
        switch dtype {
        case "bool": self = .bool
        case "float16": self = .half
        case "float32": self = .float
        case "float64": self = .double
        case "string": self = .string
        case "int8", "int16", "int32", "int64":
            guard let bits = Int(dtype.dropFirst(3)) else { return nil }
            self = .integer(bits: bits, isSigned: true)
        case "uint8", "uint16", "uint32", "uint64":
            guard let bits = Int(dtype.dropFirst(4)) else { return nil }
            self = .integer(bits: bits, isSigned: false)
        default: return nil
        }
    }

    /// Whether a value can be written as this type.
    func accepts(_ value: ParquetValue) -> Bool {
        switch (self, value) {
        case (_, .null), (.bool, .bool), (.half, .float), (.float, .float), (.double, .double), (.string, .string),
            (.bytes, .bytes):
            true
        case (.integer(let bits, let isSigned), .int(let value)):
            isSigned
                ? bits == 64 || (-(1 << (bits - 1))..<1 << (bits - 1)).contains(value)
                : value >= 0 && (bits == 64 || value < 1 << bits)
        case (.integer(64, false), .unsigned): true
        case (.list(let element), .list(let values)): values.allSatisfy { element.accepts($0) }
        case (.structure(let fields), .structure):
            fields.allSatisfy { field in value[field.name].map { field.type.accepts($0) } ?? true }
        default: false
        }
    }
}
