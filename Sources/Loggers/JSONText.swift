import Configuration

extension ConfigValue {
    /// Leaves by dotted names, `optimizer.init_args.lr`; lists as their JSON.
    func flattened(_ prefix: String = "") -> [(name: String, value: ConfigValue)] {
        guard case .map(let entries) = self, !entries.isEmpty else { return [(prefix, self)] }
        return entries.flatMap { $1.flattened(prefix.isEmpty ? $0 : "\(prefix).\($0)") }
    }

    /// The value as JSON; numbers that JSON does not have are texts.
    var json: String {
        switch self {
        case .null: "null"
        case .bool(let flag): flag ? "true" : "false"
        case .int(let number): String(number)
        case .double(let number): JSONText.number(number)
        case .string(let text): JSONText.quoted(text)
        case .list(let items): "[" + items.map(\.json).joined(separator: ", ") + "]"
        case .map(let entries):
            "{" + entries.map { "\(JSONText.quoted($0.key)): \($0.value.json)" }.joined(separator: ", ") + "}"
        }
    }
}

/// Parts of JSON as this program's records have them.
enum JSONText {
    /// `"tag": value` of each; a tag that comes twice keeps its last value.
    static func fields(_ values: [(tag: String, value: Double)]) -> [String] {
        var seen = Set<String>()
        let kept = values.reversed().filter { seen.insert($0.tag).inserted }.reversed()
        return kept.map { "\(quoted($0.tag)): \(number($0.value))" }
    }

    /// JSON has no NaN or infinity: these are texts, which Python's and JavaScript's number types read.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "\"NaN\"" }
        if value.isInfinite { return value < 0 ? "\"-Infinity\"" : "\"Infinity\"" }
        return "\(value)"
    }

    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case "\u{0}"..<" ":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
