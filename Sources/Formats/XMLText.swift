extension String {
    /// Safe as text and as an attribute's value.
    package var escapedForXML: String {
        var result = ""
        for character in unicodeScalars {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            // XML has no other control characters.
            case "\u{0}"..<" " where !"\t\n\r".unicodeScalars.contains(character): result += "\u{FFFD}"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
