/// Character references of HTML, `&amp;`, `&#233;`, as Python's `html.unescape` resolves them.
enum HTMLUnescaping {
    /// Longest name that is looked at.
    private static let longestName = 32

    /// Every reference resolved, also those of older HTML without a semicolon, of which the longest known beginning counts.
    static func unescape(_ text: String) -> String {
        replacingReferences(in: text) { scalars, start in
            guard start < scalars.count else { return nil }
            if scalars[start] == "#" { return numeric(scalars, start) }
            let rest = scalars[start...].prefix(longestName).prefix { !" \t\n\u{C}<&#;".unicodeScalars.contains($0) }
            guard !rest.isEmpty else { return nil }
            let end = rest.endIndex
            let name = string(rest)
            if end < scalars.count, scalars[end] == ";", let text = HTMLCharacterNames.texts[name + ";"] {
                return (text, end + 1)
            }
            for length in stride(from: rest.count, through: 2, by: -1) {
                if let text = HTMLCharacterNames.texts[string(rest.prefix(length))] { return (text, start + length) }
            }
            return nil
        }
    }

    /// References that end in a semicolon: those that cannot be meant otherwise. Names in capitals count where HTML has
    /// only the small ones; their text is then in capitals, too.
    static func unescapeCertain(_ text: String) -> String {
        replacingReferences(in: text) { scalars, start in
            var end = start
            if end < scalars.count, scalars[end] == "#" { end += 1 }
            let first = end
            while end < scalars.count, end - first < 24, isAlphanumeric(scalars[end]) { end += 1 }
            guard end > first, end < scalars.count, scalars[end] == ";" else { return nil }
            if scalars[start] == "#" {
                guard let (text, used) = numeric(scalars, start), used == end + 1, !text.contains(";") else {
                    return nil
                }
                return (text, used)
            }
            let name = string(scalars[start...end])
            if let text = HTMLCharacterNames.texts[name] { return (text, end + 1) }
            let lower = name.lowercased()
            // A name that already means something in capitals, perhaps by its beginning, keeps that meaning.
            guard name == name.uppercased(), let text = HTMLCharacterNames.texts[lower],
                unescape("&" + name) == "&" + name
            else { return nil }
            return (text.uppercased(), end + 1)
        }
    }

    /// Replaces what `resolve` gives a text for; it is told the place behind `&`.
    private static func replacingReferences(
        in text: String, _ resolve: (_ scalars: [Unicode.Scalar], _ start: Int) -> (text: String, end: Int)?
    ) -> String {
        guard text.unicodeScalars.contains("&") else { return text }
        let scalars = Array(text.unicodeScalars)
        var result = String.UnicodeScalarView()
        var place = 0
        while place < scalars.count {
            if scalars[place] == "&", let (text, end) = resolve(scalars, place + 1) {
                result.append(contentsOf: text.unicodeScalars)
                place = end
            } else {
                result.append(scalars[place])
                place += 1
            }
        }
        return String(result)
    }

    /// `#233` or `#xE9`, with or without a semicolon.
    private static func numeric(_ scalars: [Unicode.Scalar], _ start: Int) -> (text: String, end: Int)? {
        var place = start + 1
        let isHexadecimal = place < scalars.count && (scalars[place] == "x" || scalars[place] == "X")
        if isHexadecimal { place += 1 }
        let radix: UInt32 = isHexadecimal ? 16 : 10
        var number: UInt32 = 0
        let first = place
        while place < scalars.count, let digit = digit(scalars[place]), digit < radix {
            // Beyond the last code point all numbers mean the same.
            number = min(number * radix + digit, 0x11_0000)
            place += 1
        }
        guard place > first else { return nil }
        if place < scalars.count, scalars[place] == ";" { place += 1 }
        return (text(of: number), place)
    }

    private static func text(of number: UInt32) -> String {
        switch number {
        case 0: return "\u{FFFD}"
        case 0x0D: return "\r"
        case 0x80...0x9F: return String(ByteEncoding.windows1252.scalar(of: UInt8(number)))
        case 1...8, 0x0B, 0x0E...0x1F, 0x7F, 0xFDD0...0xFDEF: return ""
        default:
            guard let scalar = Unicode.Scalar(number) else { return "\u{FFFD}" }
            return number & 0xFFFE == 0xFFFE ? "" : String(scalar)
        }
    }

    private static func digit(_ scalar: Unicode.Scalar) -> UInt32? {
        switch scalar {
        case "0"..."9": scalar.value - 48
        case "a"..."f": scalar.value - 87
        case "A"..."F": scalar.value - 55
        default: nil
        }
    }

    private static func isAlphanumeric(_ scalar: Unicode.Scalar) -> Bool {
        ("0"..."9").contains(scalar) || ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
    }

    private static func string(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }
}
