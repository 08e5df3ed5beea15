import Foundation

/// UTF-8 that was read in another encoding (`schÃ¶n`), turned back as ftfy 6.3.1 does it (`fix_encoding`).
///
/// A text that has a sequence in it that hardly anybody writes (`MojibakePatterns.wrong`) is turned back step by step, until none is
/// left or nothing helps:
///
/// 1. In the first encoding of one byte a character that has all of its characters and whose bytes are UTF-8, it is those
///    bytes. Before, spaces that were byte A0 become that byte again, and sequences of which bytes were lost U+FFFD.
/// 2. Else each part that may be UTF-8 read in another encoding is turned back by itself, if it looks wrong.
/// 3. Else, if all of it is Latin-1, it is Windows-1252; failing that, its control characters from 0x80 on are.
enum MojibakeRepair {
    static func repair(_ text: String) -> String {
        var text = text
        while true {
            let next = turnedBack(text)
            // Equal to `String` may still be other scalars.
            if next.unicodeScalars.elementsEqual(text.unicodeScalars) { return text }
            text = next
        }
    }

    private static func turnedBack(_ text: String) -> String {
        guard !text.utf8.allSatisfy({ $0 < 0x80 }), looksWrong(text) else { return text }
        var isLatin1 = false
        for encoding in ByteEncoding.allCases {
            guard let bytes = encoding.bytes(of: text) else { continue }
            if encoding == .latin1 { isLatin1 = true }
            if let fixed = decoded(bytes, in: encoding) { return fixed }
        }
        let fixed = wrongParts.replacing(in: text) { part in
            part.utf16.count < text.utf16.count && looksWrong(part) ? repair(part) : part
        }
        if !fixed.unicodeScalars.elementsEqual(text.unicodeScalars) { return fixed }
        // Python's Windows-1252 has no character for five bytes, and then gives up.
        let isWindows = text.unicodeScalars.allSatisfy { ![0x81, 0x8D, 0x8F, 0x90, 0x9D].contains($0.value) }
        if isLatin1, isWindows {
            let fixed = C1Controls.replaced(text)
            if !fixed.unicodeScalars.elementsEqual(text.unicodeScalars) { return fixed }
        }
        return C1Controls.replaced(text)
    }

    private static let wrong = Pattern(MojibakePatterns.wrong)
    private static let wrongParts = Pattern(MojibakePatterns.embedded)
    private static let aGrave = Pattern(MojibakePatterns.aGrave)
    private static let spaced = Pattern(MojibakePatterns.spaced)
    private static let lossy = Pattern(MojibakePatterns.lossy)

    static func looksWrong(_ text: String) -> Bool { wrong.occurs(in: text) }

    /// The text that bytes are as UTF-8, after repairs of what went missing; nil where they are not.
    private static func decoded(_ bytes: [UInt8], in encoding: ByteEncoding) -> String? {
        var text = latin1(bytes)
        if encoding != .macRoman, spaced.occurs(in: text) {
            text = aGrave.replacing(in: text) { _ in "\u{C3}\u{A0} " }
            text = spaced.replacing(in: text) { $0.replacingOccurrences(of: " ", with: "\u{A0}") }
        }
        if encoding.isSloppy { text = lossy.replacing(in: text) { _ in "\u{EF}\u{BF}\u{BD}" } }
        let bytes = text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
        return bytes.contains(0xED) || bytes.contains(0xC0)
            ? variantText(bytes) : String(validating: bytes, as: UTF8.self)
    }

    private static func latin1(_ bytes: [UInt8]) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: bytes.lazy.map { Unicode.Scalar($0) })
        return String(view)
    }

    /// UTF-8 in which characters beyond U+FFFF may be pairs of three bytes each (CESU-8), and U+0000 the bytes C0 80 (Java).
    private static func variantText(_ bytes: [UInt8]) -> String? {
        var text = String.UnicodeScalarView()
        var start = 0
        func flush(to end: Int) -> Bool {
            guard let part = String(validating: bytes[start..<end], as: UTF8.self) else { return false }
            text.append(contentsOf: part.unicodeScalars)
            return true
        }
        var place = 0
        while place < bytes.count {
            // ftfy's `$` also holds before a line feed at the end.
            func ends(_ index: Int) -> Bool { index == bytes.count - 1 && bytes[index] == 0x0A }
            if bytes[place] == 0xC0, place + 1 < bytes.count, bytes[place + 1] == 0x80 || ends(place + 1) {
                guard flush(to: place) else { return nil }
                text.append("\0")
            } else if bytes[place] == 0xED, place + 5 < bytes.count, (0xA0...0xAF).contains(bytes[place + 1]),
                (0x80...0xBF).contains(bytes[place + 2]), bytes[place + 3] == 0xED,
                (0xB0...0xBF).contains(bytes[place + 4]), (0x80...0xBF).contains(bytes[place + 5]) || ends(place + 5)
            {
                guard flush(to: place) else { return nil }
                let high = UInt32(bytes[place + 1] & 0x0F) << 16 + UInt32(bytes[place + 2] & 0x3F) << 10
                let low = UInt32(bytes[place + 4] & 0x0F) << 6 + UInt32(bytes[place + 5] & 0x3F)
                text.append(Unicode.Scalar(high + low + 0x10000) ?? "\u{FFFD}")
                place += 4
            } else {
                place += 1
                continue
            }
            place += 2
            start = place
        }
        return flush(to: bytes.count) ? String(text) : nil
    }
}

/// A regular expression over scalars.
private struct Pattern: Sendable {
    private let expression: NSRegularExpression

    init(_ pattern: String) {
        do {
            expression = try NSRegularExpression(pattern: pattern, options: .allowCommentsAndWhitespace)
        } catch {
            preconditionFailure("a pattern of this file is none: \(pattern)")
        }
    }

    func occurs(in text: String) -> Bool {
        expression.firstMatch(in: text, range: NSRange(location: 0, length: text.utf16.count)) != nil
    }

    func replacing(in text: String, _ change: (String) -> String) -> String {
        let source = text as NSString
        let found = expression.matches(in: text, range: NSRange(location: 0, length: source.length))
        guard !found.isEmpty else { return text }
        var result = ""
        var place = 0
        for match in found {
            result += source.substring(with: NSRange(location: place, length: match.range.location - place))
            result += change(source.substring(with: match.range))
            place = match.range.location + match.range.length
        }
        return result + source.substring(from: place)
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
