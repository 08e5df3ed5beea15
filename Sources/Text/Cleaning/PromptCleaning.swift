import Foundation

/// What the original does with a prompt before it tokenises it: repairs text that went through wrong hands, resolves HTML's
/// character references, and makes every run of white space one space. SPEC_WAN §5.
public enum PromptCleaning {
    public static func clean(_ text: String) -> String {
        let unescaped = HTMLUnescaping.unescape(HTMLUnescaping.unescape(repair(text)))
        return stripped(collapsingSpaces(stripped(unescaped)))
    }

    /// Repairs a text line by line until nothing changes. From the first line with a `<` on character references are left as
    /// they are: the text may be HTML.
    static func repair(_ text: String) -> String {
        var result = ""
        var resolvesReferences = true
        for line in lines(of: text) {
            if line.unicodeScalars.contains("<") { resolvesReferences = false }
            result += repair(line: line, resolvesReferences: resolvesReferences)
        }
        return result
    }

    private static func repair(line: String, resolvesReferences: Bool) -> String {
        var text = line
        while true {
            let before = text
            if resolvesReferences { text = HTMLUnescaping.unescapeCertain(text) }
            text = MojibakeRepair.repair(text)
            text = C1Controls.replaced(text)
            text = replacingScalars(of: text)
            text = withoutTerminalCommands(text)
            text = withoutControls(text)
            text = text.precomposedStringWithCanonicalMapping
            // Equal to `String` may still be other scalars.
            if text.unicodeScalars.elementsEqual(before.unicodeScalars) { return text }
        }
    }

    /// Lines with the line feeds that end them.
    private static func lines(of text: String) -> [String] {
        var lines: [String] = []
        var line = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            line.append(scalar)
            if scalar == "\n" {
                lines.append(String(line))
                line = String.UnicodeScalarView()
            }
        }
        return line.isEmpty ? lines : lines + [String(line)]
    }

    /// Ligatures to letters, full and half width to ordinary, curly quotes to straight ones, all line breaks to line feeds.
    private static func replacingScalars(of text: String) -> String {
        var result = String.UnicodeScalarView()
        var wasReturn = false
        for scalar in text.unicodeScalars {
            defer { wasReturn = scalar == "\r" }
            switch scalar.value {
            case 0x0A where wasReturn: break
            case 0x0D, 0x2028, 0x2029, 0x85: result.append("\n")
            case 0x02BC, 0x2018...0x201B: result.append("'")
            case 0x201C...0x201F: result.append("\"")
            case 0x0149: result.append(contentsOf: "'n".unicodeScalars)
            case 0xFB05: result.append(contentsOf: "ſt".unicodeScalars)
            case 0x3000: result.append(" ")
            case 0x0132, 0x0133, 0x01C4...0x01CC, 0x01F1...0x01F3, 0xFB00...0xFB06, 0xFF01...0xFFEF:
                result.append(contentsOf: String(scalar).precomposedStringWithCompatibilityMapping.unicodeScalars)
            default: result.append(scalar)
            }
        }
        return String(result)
    }

    /// Without `ESC [ … letter`, a terminal's colours.
    private static func withoutTerminalCommands(_ text: String) -> String {
        guard text.unicodeScalars.contains("\u{1B}") else { return text }
        let scalars = Array(text.unicodeScalars)
        var result = String.UnicodeScalarView()
        var place = 0
        while place < scalars.count {
            if scalars[place] == "\u{1B}", place + 1 < scalars.count, scalars[place + 1] == "[" {
                var end = place + 2
                while end < scalars.count, ("0"..."9").contains(scalars[end]) || scalars[end] == ";" { end += 1 }
                if end < scalars.count, ("a"..."z").contains(scalars[end]) || ("A"..."Z").contains(scalars[end]) {
                    place = end + 1
                    continue
                }
            }
            result.append(scalars[place])
            place += 1
        }
        return String(result)
    }

    private static func withoutControls(_ text: String) -> String {
        filtering(text) { scalar in
            switch scalar.value {
            case 0...8, 0x0B, 0x0E...0x1F, 0x7F, 0x206A...0x206F, 0xFEFF, 0xFFF9...0xFFFC: false
            default: true
            }
        }
    }

    private static func collapsingSpaces(_ text: String) -> String {
        var wasSpace = false
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let isSpace = scalar.properties.isWhitespace
            if !isSpace { result.append(scalar) } else if !wasSpace { result.append(" ") }
            wasSpace = isSpace
        }
        return String(result)
    }

    /// Without white space at both ends, which to Python's `strip` includes four separators of ASCII.
    private static func stripped(_ text: String) -> String {
        func isBlank(_ scalar: Unicode.Scalar) -> Bool {
            scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value)
        }
        var rest = text.unicodeScalars[...].drop(while: isBlank)
        while let last = rest.last, isBlank(last) { rest.removeLast() }
        return String(Substring(rest))
    }

    private static func filtering(_ text: String, _ keeps: (Unicode.Scalar) -> Bool) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars where keeps(scalar) { result.append(scalar) }
        return String(result)
    }
}
