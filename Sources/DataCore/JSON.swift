/// A parsed JSON document that keeps the order of object keys: the order of `features` in `info.json` is the order in
/// which LeRobot lists them. Reads what Python's `json` writes, hence also `NaN`, `Infinity` and `-Infinity`.
package enum JSON: Sendable {
    case null
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case array([JSON])
    case object([(key: String, value: JSON)])

    /// Value of `key`; the last one if the key is repeated, as in Python. `nil` if absent or if this is no object.
    package subscript(key: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.key == key }?.value
    }

    package var int: Int? {
        switch self {
        case .int(let value): value
        case .double(let value): Int(exactly: value)
        default: nil
        }
    }

    package var double: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    package var string: String? { if case .string(let value) = self { value } else { nil } }
    package var array: [JSON]? { if case .array(let value) = self { value } else { nil } }

    /// Kind and, for scalars, value: for error messages.
    package var summary: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .int(let value): "\(value)"
        case .double(let value): "\(value)"
        case .string(let value): "\"\(value.prefix(80))\""
        case .array(let values): "a list of \(values.count)"
        case .object(let members): "an object of \(members.count) keys"
        }
    }

    /// Parses one document that must fill all of `bytes`.
    ///
    /// - Throws: `DataError.malformedJSON` with line and column; `path` and `firstLine` only serve that message.
    package static func parse(_ bytes: some Sequence<UInt8>, path: String, firstLine: Int = 1) throws -> JSON {
        var parser = JSONParser(bytes: Array(bytes), path: path, firstLine: firstLine)
        return try parser.document()
    }

    /// Parses documents that follow each other, each over as many lines as it likes.
    ///
    /// - Returns: with the line from 1 on which each begins.
    /// - Throws: as `parse`.
    package static func parseAll(_ bytes: [UInt8], path: String) throws -> [(line: Int, value: JSON)] {
        var parser = JSONParser(bytes: bytes, path: path, firstLine: 1)
        return try parser.documents()
    }
}

private struct JSONParser {
    let bytes: [UInt8]
    let path: String
    let firstLine: Int
    var position = 0

    /// Recursion bound; LeRobot's own files nest 6 deep.
    static let maximumDepth = 128

    init(bytes: [UInt8], path: String, firstLine: Int) {
        self.bytes = bytes
        self.path = path
        self.firstLine = firstLine
    }

    mutating func document() throws -> JSON {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
        // In UTF-16 and UTF-32 one of the first two bytes is zero, or they are a mark; in UTF-8 neither can be.
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) || bytes.prefix(2).contains(0) {
            throw failure("expected UTF-8, got UTF-16 or UTF-32, as some Windows programs write; save it as UTF-8")
        }
        let value = try value(depth: 0)
        skipSpace()
        guard position == bytes.count else { throw failure("expected the end, got more text") }
        return value
    }

    mutating func documents() throws -> [(line: Int, value: JSON)] {
        var result: [(line: Int, value: JSON)] = []
        var (line, counted) = (1, 0)
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
        skipSpace()
        while position < bytes.count {
            line += bytes[counted..<position].count { $0 == UInt8(ascii: "\n") }
            counted = position
            result.append((line, try value(depth: 0)))
            skipSpace()
        }
        return result
    }

    private func failure(_ reason: String) -> DataError {
        let before = bytes[..<min(position, bytes.count)]
        let line = before.reduce(0) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) }
        let column = before.count - (before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0)
        return .malformedJSON(path: path, line: firstLine + line, column: column + 1, reason: reason)
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    private mutating func value(depth: Int) throws -> JSON {
        guard depth < Self.maximumDepth else { throw failure("nested deeper than \(Self.maximumDepth)") }
        skipSpace()
        guard position < bytes.count else { throw failure("expected a value, got the end") }
        switch bytes[position] {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case UInt8(ascii: "N"): return try literal("NaN", .double(.nan))
        case UInt8(ascii: "I"): return try literal("Infinity", .double(.infinity))
        default: return try number()
        }
    }

    private mutating func literal(_ text: String, _ value: JSON) throws -> JSON {
        guard bytes[position...].starts(with: text.utf8) else { throw failure("expected \(text)") }
        position += text.utf8.count
        return value
    }

    private mutating func number() throws -> JSON {
        let start = position
        if bytes[position] == UInt8(ascii: "-") { position += 1 }
        if position < bytes.count, bytes[position] == UInt8(ascii: "I") {
            return try literal("Infinity", .double(-.infinity))
        }
        let digits = position
        var integer = 0
        while position < bytes.count, case let digit = bytes[position] &- UInt8(ascii: "0"), digit < 10 {
            integer = integer &* 10 &+ Int(digit)
            position += 1
        }
        // 18 digits cannot overflow. Most numbers of metadata are such, and there are millions of them.
        if (1...18).contains(position - digits), position == bytes.count || !Self.isOfNumber(bytes[position]) {
            return .int(digits == start ? integer : -integer)
        }
        while position < bytes.count, Self.isOfNumber(bytes[position]) { position += 1 }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if let value = Int(text) { return .int(value) }
        guard let value = Double(text) else {
            position = start
            throw failure("expected a value")
        }
        return .double(value)
    }

    private static func isOfNumber(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "e"), UInt8(ascii: "E"):
            true
        default: false
        }
    }

    private mutating func array(depth: Int) throws -> JSON {
        position += 1
        var values: [JSON] = []
        skipSpace()
        if accept("]") { return .array([]) }
        while true {
            values.append(try value(depth: depth + 1))
            skipSpace()
            if accept("]") { return .array(values) }
            guard accept(",") else { throw failure("expected , or ] in a list") }
        }
    }

    private mutating func object(depth: Int) throws -> JSON {
        position += 1
        var members: [(key: String, value: JSON)] = []
        skipSpace()
        if accept("}") { return .object([]) }
        while true {
            skipSpace()
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
                throw failure("expected a key in quotes")
            }
            let key = try string()
            skipSpace()
            guard accept(":") else { throw failure("expected : after key \"\(key)\"") }
            members.append((key, try value(depth: depth + 1)))
            skipSpace()
            if accept("}") { return .object(members) }
            guard accept(",") else { throw failure("expected , or } in an object") }
        }
    }

    private mutating func accept(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func string() throws -> String {
        position += 1
        // Up to an escape, a fault or the end the bytes are the text.
        var end = position
        while end < bytes.count, bytes[end] != UInt8(ascii: "\""), bytes[end] != UInt8(ascii: "\\"), bytes[end] >= 0x20
        {
            end += 1
        }
        if end < bytes.count, bytes[end] == UInt8(ascii: "\""),
            let text = String(validating: bytes[position..<end], as: UTF8.self)
        {
            position = end + 1
            return text
        }
        var text = Array(bytes[position..<end])
        position = end
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: text, as: UTF8.self) else {
                    throw failure("text that is not UTF-8 ends here; save the file as UTF-8")
                }
                return text
            case UInt8(ascii: "\\"):
                try escape(into: &text)
            case 0..<0x20:
                position -= 1
                throw failure("control character in a string")
            default:
                text.append(byte)
            }
        }
        throw failure("string without closing quote")
    }

    private mutating func escape(into text: inout [UInt8]) throws {
        guard position < bytes.count else { throw failure("string without closing quote") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "u"):
            var scalar = try hexadecimal()
            if (0xD800..<0xDC00).contains(scalar), bytes[position...].starts(with: "\\u".utf8) {
                position += 2
                let low = try hexadecimal()
                guard (0xDC00..<0xE000).contains(low) else { throw failure("broken surrogate pair") }
                scalar = 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00)
            }
            // A lone surrogate is no scalar; Python lets it through, text here gets the replacement character.
            text.append(contentsOf: String(Unicode.Scalar(scalar) ?? "\u{FFFD}").utf8)
        default:
            throw failure("unknown escape in a string")
        }
    }

    private mutating func hexadecimal() throws -> UInt32 {
        let digits = bytes[position..<min(position + 4, bytes.count)]
        guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw failure("expected four hexadecimal digits after \\u") }
        position += 4
        return value
    }
}
