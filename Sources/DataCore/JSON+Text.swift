import Foundation

extension JSON {
    /// The document as Python's `json.dumps` writes it, on one line or indented.
    package func text(indent: Int? = nil) -> String {
        var text = ""
        write(&text, indent: indent, depth: 0)
        return text
    }

    private func write(_ text: inout String, indent: Int?, depth: Int) {
        func line(_ depth: Int) {
            guard let indent else { return }
            text += "\n" + String(repeating: " ", count: indent * depth)
        }
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .int(let value): text += "\(value)"
        case .double(let value):
            text += value.isNaN ? "NaN" : value.isInfinite ? (value < 0 ? "-Infinity" : "Infinity") : "\(value)"
        case .string(let value): Self.quote(value, &text)
        case .array(let values):
            text += "["
            for (place, value) in values.enumerated() {
                if place > 0 { text += indent == nil ? ", " : "," }
                line(depth + 1)
                value.write(&text, indent: indent, depth: depth + 1)
            }
            if !values.isEmpty { line(depth) }
            text += "]"
        case .object(let members):
            text += "{"
            for (place, member) in members.enumerated() {
                if place > 0 { text += indent == nil ? ", " : "," }
                line(depth + 1)
                Self.quote(member.key, &text)
                text += ": "
                member.value.write(&text, indent: indent, depth: depth + 1)
            }
            if !members.isEmpty { line(depth) }
            text += "}"
        }
    }

    private static func quote(_ value: String, _ text: inout String) {
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
