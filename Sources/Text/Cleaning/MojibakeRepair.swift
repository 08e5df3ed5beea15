/// UTF-8 that was read in another encoding (`schÃ¶n`), turned back.
///
/// A text is turned back if it looks wrong, all of it fits into an encoding of one byte a character, and those bytes are
/// UTF-8. It looks wrong where characters stand side by side whose bytes would be one character of UTF-8 and that nobody
/// writes so: an accented letter before a sign. A letter at the end of a word before closing punctuation is no such case.
enum MojibakeRepair {
    static func repair(_ text: String) -> String {
        var text = text
        while let next = turnedBack(text), next != text { text = next }
        return text
    }

    private static func turnedBack(_ text: String) -> String? {
        guard !text.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
        var fits: [ByteEncoding] = []
        for encoding in ByteEncoding.allCases {
            guard let bytes = encoding.bytes(of: text) else { continue }
            fits.append(encoding)
            let restored = restoringSpaces(bytes)
            guard looksWrong(text, bytes, restored), let fixed = decoded(restored) else { continue }
            return fixed
        }
        // Latin-1 that Windows-1252 cannot be: control characters stand for the signs that Windows has in their place.
        if fits.contains(.latin1), text.unicodeScalars.contains(where: { (0x80...0x9F).contains($0.value) }) {
            return C1Controls.replaced(text)
        }
        return nil
    }

    /// Bytes that a sequence beginning with `byte` has; 0 for a byte that begins none.
    private static func sequenceLength(_ byte: UInt8) -> Int {
        switch byte {
        case 0xC2...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF4: 4
        default: 0
        }
    }

    private static func isContinuation(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }

    /// UTF-8, in which surrogates may be pairs of three bytes each; nil for anything else.
    private static func decoded(_ bytes: [UInt8]) -> String? {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        // CESU-8: ED A0..AF xx ED B0..BF xx.
        var rewritten: [UInt8] = []
        var place = 0
        while place < bytes.count {
            let part = bytes[place...].prefix(6)
            if part.count == 6, part[place] == 0xED, (0xA0...0xAF).contains(part[place + 1]), part[place + 3] == 0xED,
                (0xB0...0xBF).contains(part[place + 4])
            {
                let high = UInt32(part[place + 1] & 0x0F) << 6 | UInt32(part[place + 2] & 0x3F)
                let low = UInt32(part[place + 4] & 0x0F) << 6 | UInt32(part[place + 5] & 0x3F)
                guard let scalar = Unicode.Scalar(0x10000 + (high << 10 | low)) else { return nil }
                rewritten += Array(String(scalar).utf8)
                place += 6
            } else if bytes[place] == 0xC0, place + 1 < bytes.count, bytes[place + 1] == 0x80 {
                rewritten.append(0)
                place += 2
            } else {
                rewritten.append(bytes[place])
                place += 1
            }
        }
        return String(validating: rewritten, as: UTF8.self)
    }

    /// Bytes with 0xA0 back in sequences where somebody made an ordinary space of it.
    private static func restoringSpaces(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.contains(0x20) else { return bytes }
        var result: [UInt8] = []
        var place = 0
        func byte(_ offset: Int) -> UInt8 { place + offset < bytes.count ? bytes[place + offset] : 0 }
        while place < bytes.count {
            switch bytes[place] {
            // "Ã " is "à", a word of its own unless something continues it.
            case 0xC3 where byte(1) == 0x20 && byte(2) != 0x20 && !continuesAGrave(bytes[(place + 2)...]):
                result += [0xC3, 0xA0, 0x20]
                place += 2
            case 0xC2, 0xC3, 0xC5, 0xCE, 0xD0, 0xD9:
                result.append(bytes[place])
                if byte(1) == 0x20 {
                    result.append(0xA0)
                    place += 1
                }
                place += 1
            case 0xE2, 0xE3:
                result.append(bytes[place])
                if byte(1) == 0x20, isContinuation(byte(2)) {
                    result += [0xA0, byte(2)]
                    place += 2
                } else if isContinuation(byte(1)), byte(2) == 0x20 {
                    result += [byte(1), 0xA0]
                    place += 2
                }
                place += 1
            default:
                result.append(bytes[place])
                place += 1
            }
        }
        return result
    }

    private static func continuesAGrave(_ rest: ArraySlice<UInt8>) -> Bool {
        ["quele", "quela", "quilo", "s "].contains { rest.starts(with: $0.utf8) }
    }

    /// - Parameters:
    ///   - bytes: of `text` in one encoding, one for each scalar; `restored` may have more.
    private static func looksWrong(_ text: String, _ bytes: [UInt8], _ restored: [UInt8]) -> Bool {
        let scalars = Array(text.unicodeScalars)
        for place in bytes.indices {
            let length = sequenceLength(bytes[place])
            guard length > 0, place + length <= bytes.count else { continue }
            let tail = place + 1..<place + length
            guard tail.allSatisfy({ isContinuation(bytes[$0]) || bytes[$0] == 0x20 && bytes != restored }) else {
                continue
            }
            let signs = tail.filter { !scalars[$0].properties.isAlphabetic }
            if tail.contains(where: { (0x80...0x9F).contains(scalars[$0].value) }) { return true }
            // Letters alone: only where the alphabets that use them never put them side by side.
            guard !signs.isEmpty else {
                if isScriptLead(bytes[place]), length == 2, hasAnotherPair(bytes, after: place + 2) { return true }
                continue
            }
            let isWordEnd = place > 0 && scalars[place - 1].properties.isAlphabetic
            let fitsWord =
                place > 0 && scalars[place].properties.isLowercase == scalars[place - 1].properties.isLowercase
            if isWordEnd, fitsWord, tail.allSatisfy({ closing.contains(scalars[$0]) }) { continue }
            return true
        }
        return false
    }

    /// What may follow the last letter of a word.
    private static let closing = Set("…’”‘“–—»®™•·°\u{A0}".unicodeScalars)

    /// First bytes of Greek, Cyrillic, Hebrew and Arabic letters, of which a word has one before each.
    private static func isScriptLead(_ byte: UInt8) -> Bool { (0xCE...0xCF).contains(byte) || (0xD0...0xDB).contains(byte) }

    private static func hasAnotherPair(_ bytes: [UInt8], after place: Int) -> Bool {
        place + 1 < bytes.count && isScriptLead(bytes[place]) && isContinuation(bytes[place + 1])
    }
}

/// Control characters from 0x80 to 0x9F, which are mostly signs of Windows-1252 in a text that was read as Latin-1.
enum C1Controls {
    static func replaced(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            result.append(
                (0x80...0x9F).contains(scalar.value)
                    ? ByteEncoding.windows1252.scalar(of: UInt8(scalar.value)) : scalar)
        }
        return String(result)
    }
}
