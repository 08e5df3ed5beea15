import Formats
import Foundation
import TestSupport

/// Compares a read value with a typed JSON tree of `pth_format/expected.json`; differences are told by path.
struct ExpectedTree {
    private(set) var differences: [String] = []

    mutating func compare(_ value: PickleValue, _ expected: JSONValue, at path: String = "$") {
        func differ() { differences.append("\(path): expected \(expected), got \(value)") }
        switch (expected["type"]?.string, value) {
        case ("None", .none): break
        case ("bool", .bool(let value)): if value != expected["value"]?.bool { differ() }
        case ("int", .int(let value)): if "\(value)" != expected["value"]?.string { differ() }
        case ("int", .bigInt(let bytes)): if Self.decimal(bytes) != expected["value"]?.string { differ() }
        case ("float", .float(let value)):
            let hex = expected["hex"]?.string ?? ""
            let same = hex == "nan" ? value.isNaN : Double(hex)?.bitPattern == value.bitPattern
            if !same { differ() }
        case ("str", .string(let value)):
            if !value.unicodeScalars.elementsEqual((expected["value"]?.string ?? "?").unicodeScalars) { differ() }
        case ("bytes", .bytes(let bytes)):
            if bytes.map({ String(format: "%02x", $0) }).joined() != expected["hex"]?.string { differ() }
        case ("dtype", .dtype(let name)), ("device", .device(let name)):
            if name != expected["value"]?.string { differ() }
        case ("torch.Size", .size(let dimensions)): if dimensions != expected["items"]?.ints { differ() }
        case ("list", .list(let values)), ("tuple", .tuple(let values)):
            compare(values, expected["items"], at: path)
        case ("set", .set(let keys)): compare(keys.map(Self.value), expected["items"], at: path)
        case ("dict", .dict(let dict)) where !dict.isOrderedDict: compare(dict, expected["items"], at: path)
        case ("OrderedDict", .dict(let dict)) where dict.isOrderedDict: compare(dict, expected["items"], at: path)
        case ("tensor", .tensor(let tensor)) where !tensor.isParameter: compare(tensor, expected, at: path)
        case ("Parameter", .tensor(let tensor)) where tensor.isParameter: compare(tensor, expected, at: path)
        default: differ()
        }
    }

    private mutating func compare(_ values: [PickleValue], _ items: JSONValue?, at path: String) {
        guard let items = items?.array, items.count == values.count else {
            differences.append("\(path): another number of items than \(values.count)")
            return
        }
        for (index, (value, item)) in zip(values, items).enumerated() { compare(value, item, at: "\(path)[\(index)]") }
    }

    private mutating func compare(_ dict: PickleDict, _ items: JSONValue?, at path: String) {
        guard let items = items?.array, items.count == dict.entries.count else {
            differences.append("\(path): another number of items than \(dict.entries.count)")
            return
        }
        for ((key, value), item) in zip(dict.entries, items) {
            guard let pair = item.array, pair.count == 2 else {
                differences.append("\(path): \(item) is no pair")
                return
            }
            compare(Self.value(key), pair[0], at: "\(path).key")
            compare(value, pair[1], at: "\(path).\(pair[0]["value"]?.string ?? "?")")
        }
    }

    private mutating func compare(_ tensor: TorchTensor, _ expected: JSONValue, at path: String) {
        let stored = tensor.contiguous()
        let facts: [(String, Bool)] = [
            ("dtype", tensor.elementType.torchName == expected["dtype"]?.string),
            ("shape", tensor.shape == expected["shape"]?.ints && stored.shape == tensor.shape),
            ("stride", tensor.strides == expected["stride"]?.ints),
            ("storage_offset", tensor.offset == expected["storage_offset"]?.int),
            ("requires_grad", tensor.requiresGrad == expected["requires_grad"]?.bool),
        ]
        for (name, same) in facts where !same { differences.append("\(path): \(name) is not as expected: \(tensor)") }
        guard let values = expected["values"]?.array, values.count == stored.count else {
            differences.append("\(path): another number of values than \(stored.count)")
            return
        }
        for (index, value) in values.enumerated() where !Self.equal(stored, index, value) {
            differences.append("\(path): value \(index): expected \(value)")
            return
        }
    }

    /// Reads the element from the raw bytes, so that the check does not lean on the conversions it is to check.
    private static func equal(_ tensor: StoredTensor, _ index: Int, _ expected: JSONValue) -> Bool {
        let size = tensor.elementType.byteCount
        let bits = tensor.withUnsafeBytes { bytes in
            (0..<size).reduce(UInt64(0)) { $0 | UInt64(bytes[index * size + $1]) << (8 * UInt64($1)) }
        }
        let value: Double
        switch tensor.elementType {
        case .f64: value = Double(bitPattern: bits)
        case .f32: value = Double(Float(bitPattern: UInt32(bits)))
        case .bf16: value = Double(Float(bitPattern: UInt32(bits) << 16))
        case .f16: value = Double(Float16(bitPattern: UInt16(bits)))
        case .i64: return Int64(bitPattern: bits) == expected.int.map(Int64.init)
        case .i32: return Int64(Int32(truncatingIfNeeded: bits)) == expected.int.map(Int64.init)
        case .i16: return Int64(Int16(truncatingIfNeeded: bits)) == expected.int.map(Int64.init)
        case .i8: return Int64(Int8(truncatingIfNeeded: bits)) == expected.int.map(Int64.init)
        case .u8: return bits == expected.int.map(UInt64.init)
        case .bool: return bits == expected.bool.map { $0 ? 1 : 0 }
        }
        if let text = expected.string {
            return text == "nan" ? value.isNaN : value == (text == "inf" ? .infinity : -.infinity)
        }
        guard let number = expected.double else { return false }
        return number.bitPattern == value.bitPattern
    }

    private static func value(_ key: PickleKey) -> PickleValue {
        switch key {
        case .none: .none
        case .bool(let value): .bool(value)
        case .int(let value): .int(value)
        case .float(let value): .float(value)
        case .string(let value): .string(value)
        case .bytes(let value): .bytes(value)
        case .tuple(let keys): .tuple(keys.map(value))
        }
    }

    /// The decimal digits of a two's complement number, least significant byte first.
    private static func decimal(_ bytes: [UInt8]) -> String {
        let isNegative = bytes.last.map { $0 & 0x80 != 0 } ?? false
        var magnitude = bytes
        if isNegative {
            var carry: UInt16 = 1
            magnitude = bytes.map { byte in
                carry += UInt16(~byte)
                defer { carry >>= 8 }
                return UInt8(truncatingIfNeeded: carry)
            }
        }
        var digits: [Character] = []
        while magnitude.contains(where: { $0 != 0 }) {
            var remainder = 0
            for index in magnitude.indices.reversed() {
                let value = remainder << 8 | Int(magnitude[index])
                magnitude[index] = UInt8(value / 10)
                remainder = value % 10
            }
            digits.append(Character("\(remainder)"))
        }
        return (isNegative ? "-" : "") + String(digits.reversed())
    }
}
