/// Regular expressions by which text that went through wrong encodings is told: those of ftfy 6.3.1 (Robyn Speer, Apache License
/// 2.0; `badness.py`, `chardata.py`), for ICU, with spaces and line breaks that mean nothing.
enum MojibakePatterns {
    // Classes of characters, by what they are likely to be in a text of one byte a character.
    private static let c1 = #"\u0080-\u009F"#
    private static let bad = #"""
        \u00A4\u00A6\u00A8\u00AA\u00AC\u00AF\u00B8\u00BA\u0192\u02C6\u02C7\u02D8\u02DB\u02DC\u2020\u2021\#
        \u2030\u2310\u25CA\uFFFD
        """#
    private static let lowerAccented = #"""
        \u00DF-\u00F1\u00FC\u0101\u0103\u0105\u0107\u010D\u010F\u0111\u0113\u0117\u0119\u011B\u011F\u0123\#
        \u012B\u012F\u0137\u013A\u013C\u013E\u0142\u0153\u0155\u015B\u015F\u0161\u0165\u017A\u017C\u017E\#
        \u0491\uFB01\uFB02
        """#
    private static let upperAccented = #"""
        \u00C0-\u00D1\u00D8\u00DC\u00DD\u0100\u0102\u0104\u0106\u010C\u010E\u0110\u0112\u0116\u0118\u011A\#
        \u011E\u0122\u012A\u0130\u0136\u0139\u013B\u013D\u0141\u0143\u0145\u0147\u0152\u0158\u015A\u015E\#
        \u0160\u0162\u0164\u016E\u0170\u0178\u0179\u017B\u017D\u0490
        """#
    private static let box = #"""
        \u2502\u250C\u2510\u2518\u251C\u2524\u252C\u253C\u2550-\u256C\u2580\u2584\u2588\u258C\u2590-\u2593
        """#
    private static let startPunctuation = #"""
        \u00A1\u00A9\u00AB\u00BF\u0384\u0385\u2018\u201A\u201C\u201E\u2022\u2039\uF8FF
        """#
    private static let endPunctuation = #"\u00AE\u00BB\u02DD\u201D\u203A\u2122"#
    private static let currency = #"\u00A2\u00A3\u00A5\u20A7\u20AC"#
    private static let numeric = #"""
        \u00B1-\u00B3\u00B5\u00B9\u00BC-\u00BE\u00D7\u00F7\u2044\u2116\u2202\u2206\u220F\u2211\u221A\u221E\#
        \u2229\u222B\u2248\u2260\u2261\u2264\u2265
        """#
    private static let law = #"\u00A7\u00B6"#
    private static let lowerCommon = #"\u03AC-\u03C9\u0430-\u045F"#
    private static let upperCommon = #"\u00DE\u0386\u0388-\u038A\u038C\u038E\u038F\u0391-\u03AB\u0401-\u042F"#
    private static let kaomoji = #"""
        \u00B0\u00D2-\u00D6\u00D9-\u00DC\u00F2-\u00F6\u00F8-\u00FC\u014C\u0150\u016A\u0172
        """#
    private static let common = #"\u00A0\u00AD\u00B4\u00B7\u2013-\u2015\u2019\u2026"#

    /// Sequences of characters that hardly anybody writes. One of them makes a text look wrong.
    static let wrong = #"""
        [\#(c1)]
        | [\#(bad)\#(lowerAccented)\#(upperAccented)\#(box)\#(startPunctuation)\#(endPunctuation)\#(currency)\#
            \#(numeric)\#(law)][\#(bad)]
        | [a-zA-Z][\#(lowerCommon)\#(upperCommon)][\#(bad)]
        | [\#(bad)][\#(lowerAccented)\#(upperAccented)\#(box)\#(startPunctuation)\#(endPunctuation)\#
            \#(currency)\#(numeric)\#(law)]
        | [\#(lowerAccented)\#(lowerCommon)\#(box)\#(endPunctuation)\#(currency)\#(numeric)][\#(upperAccented)\#
            ]
        | [\#(box)\#(endPunctuation)\#(currency)\#(numeric)][\#(lowerAccented)]
        | [\#(lowerAccented)\#(box)\#(endPunctuation)][\#(currency)]
        | [\u0009-\u000D\u001C-\u0020\u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000][\#
            \#(upperAccented)][\#(currency)]
        | [\#(upperAccented)\#(box)][\#(numeric)\#(law)]
        | [\#(lowerAccented)\#(upperAccented)\#(box)\#(currency)\#(endPunctuation)][\#(startPunctuation)][\#
            \#(numeric)]
        | [\#(lowerAccented)\#(upperAccented)\#(currency)\#(numeric)\#(box)\#(law)][\#(endPunctuation)][\#
            \#(startPunctuation)]
        | [\#(currency)\#(numeric)\#(box)][\#(startPunctuation)]
        | [a-z][\#(upperAccented)][\#(startPunctuation)\#(currency)]
        | [\#(box)][\#(kaomoji)]
        | [\#(lowerAccented)\#(upperAccented)\#(currency)\#(numeric)\#(startPunctuation)\#(endPunctuation)\#
            \#(law)][\#(box)]
        | [\#(box)][\#(endPunctuation)]
        | [\#(lowerAccented)\#(upperAccented)][\#(startPunctuation)\#(endPunctuation)][\p{L}\p{N}_]
        | [\u0152\u0153][^A-Za-z]
        | [\#(upperAccented)]\u00B0
        | [\u00C2\u00C3\u00CE\u00D0][\u20AC\u0153\u0160\u0161\u00A2\u00A3\u0178\u017E\u00A0\u00AD\u00AE\u00A9\#
            \u00B0\u00B7\u00BB\#(startPunctuation)\#(endPunctuation)\u2013\u2014\u00B4]
        | \u00D7[\u00B2\u00B3]
        | [\u00D8\u00D9][\#(common)\#(currency)\#(bad)\#(numeric)\#(startPunctuation)\u0178\u0160\u00AE\u00B0\#
            \u00B5\u00BB][\u00D8\u00D9][\#(common)\#(currency)\#(bad)\#(numeric)\#(startPunctuation)\u0178\u0160\#
            \u00AE\u00B0\u00B5\u00BB]
        | \u00E0[\u00B2\u00B5\u00B9\u00BC\u00BD\u00BE]
        | \u221A[\u00B1\u2202\u2020\u2260\u00AE\u2122\u00B4\u2264\u2265\u00A5\u00B5\u00F8]
        | \u2248[\u00B0\u00A2]
        | \u201A\u00C4[\u00EC\u00EE\u00EF\u00F2\u00F4\u00FA\u00F9\u00FB\u2020\u00B0\u00A2\u03C0]
        | \u201A[\u00E2\u00F3][\u00E0\u00E4\u00B0\u00EA]
        | \u0432\u0402
        | [\u0412\u0413\u0420\u0421][\#(c1)\#(bad)\#(startPunctuation)\#(endPunctuation)\#(currency)\u00B0\#
            \u00B5][\u0412\u0413\u0420\u0421]
        | \u0413\u045E\u0412\u0402\u0412.[A-Za-z\u0020]
        | \u00C3[\u00A0\u00A1]
        | [a-z][\u0009-\u000D\u001C-\u0020\u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]?[\#
            \u00C3\u00C2][\u0020]
        | ^[\u00C3\u00C2][\u0020]
        | [a-z.,?!\#(endPunctuation)]\u00C2[\u0020\#(startPunctuation)\#(endPunctuation)]
        | \u03B2\u20AC[\u2122\u00A0\u0386\u00AD\u00AE\u00B0]
        | [\u0392\u0393\u039E\u039F][\#(c1)\#(bad)\#(startPunctuation)\#(endPunctuation)\#(currency)\u00B0][\#
            \u0392\u0393\u039E\u039F]
        | \u0101\u20AC
        """#

    // What the first byte of two, three and four in UTF-8 looks like in one of the encodings, and what the others do.
    private static let firstOfTwo = #"""
        \u00C2-\u00DF\u0100\u0102\u0106\u010C\u010E\u0110\u0112\u0116\u0118\u011A\u011E\u0122\u012A\u0130\#
        \u0136\u0139\u013B\u0141\u0143\u0145\u0147\u014C\u0150\u0158\u015A\u015E\u0160\u0162\u016A\u016E\#
        \u0170\u0172\u0179\u017B\u017D\u0392-\u03A1\u03A3-\u03AF\u0412-\u042F
        """#
    private static let firstOfThree = #"""
        \u00E0-\u00EF\u0101\u0103\u0105\u0107\u010D\u010F\u0113\u0117\u0119\u011B\u0123\u012B\u012F\u0137\#
        \u013A\u013C\u0155\u017A\u03B0-\u03BF\u0430-\u043F
        """#
    private static let firstOfFour = #"\u00F0\u00F3\u0111\u011F\u0161\u03C0\u03C3\u0440\u0443"#
    private static let continuation = #"""
        \u0020\u0080-\u00BF\u00C6\u00D8\u00E6\u00F8\u0104\u0105\u013D\u013E\u0141\u0142\u0152\u0153\u0156\#
        \u0157\u015A\u015B\u015E-\u0161\u0164\u0165\u0178-\u017E\u0192\u02C6\u02C7\u02D8\u02DB-\u02DD\u0384-\#
        \u0386\u0388-\u038A\u038C\u038E\u038F\u0401-\u040C\u040E\u040F\u0451-\u045C\u045E\u045F\u0490\u0491\#
        \u2013-\u2015\u2018-\u201A\u201C-\u201E\u2020-\u2022\u2026\u2030\u2039\u203A\u20AC\u2116\u2122
        """#
    private static let strictContinuation = #"""
        \u0080-\u00BF\u00C6\u00D8\u00E6\u00F8\u0104\u0105\u013D\u013E\u0141\u0142\u0152\u0153\u0156\u0157\#
        \u015A\u015B\u015E-\u0161\u0164\u0165\u0178-\u017E\u0192\u02C6\u02C7\u02D8\u02DB-\u02DD\u0384-\u0386\#
        \u0388-\u038A\u038C\u038E\u038F\u0401-\u040C\u040E\u040F\u0451-\u045C\u045E\u045F\u0490\u0491\u2020\#
        \u2021\u2030\u2039\u203A\u20AC\u2116\u2122
        """#

    /// What may be UTF-8 that was read in one of the encodings.
    static let embedded = #"""
        (?<! [\#(strictContinuation)])
        (?: [\#(firstOfTwo)][\#(continuation)]
        | [\#(firstOfThree)][\#(continuation)]{2}
        | [\#(firstOfFour)][\#(continuation)]{3} )+
        """#

    // Of bytes, each as the character of its number.

    /// UTF-8 in which byte A0 became a space.
    static let spaced = #"""
        [\u00C2\u00C3\u00C5\u00CE\u00D0\u00D9]\u0020
        | [\u00E2\u00E3]\u0020[\u0080-\u0084\u0086-\u009F\u00A1-\u00BF]
        | [\u00E0-\u00E3][\u0080-\u0084\u0086-\u009F\u00A1-\u00BF]\u0020
        | \u00F0\u0020[\u0080-\u00BF][\u0080-\u00BF] | \u00F0[\u0080-\u00BF]\u0020[\u0080-\u00BF]
        | \u00F0[\u0080-\u00BF][\u0080-\u00BF]\u0020
        """#

    /// A word `à` of which the second byte became a space, and the space behind it was lost; not the beginning of Portuguese
    /// `às`, `àquele`, `àquela`, `àquilo`.
    static let aGrave = #"\u00C3\u0020 (?! \u0020 | quele | quela | quilo | s\u0020 )"#

    /// UTF-8 of which bytes were lost: 1A stands for them, or a question mark.
    static let lossy = #"""
        [\u00C2-\u00DF]\u001A | [\u00C2\u00C3]\?
        | \u00ED[\u00A0-\u00AF][\u001A?]\u00ED[\u00B0-\u00BF][\u001A?\u0080-\u00BF]
        | \u00ED[\u00A0-\u00AF][\u001A?\u0080-\u00BF]\u00ED[\u00B0-\u00BF][\u001A?]
        | [\u00E0-\u00EF][\u001A?][\u001A\u0080-\u00BF] | [\u00E0-\u00EF][\u001A\u0080-\u00BF][\u001A?]
        | [\u00F0-\u00F4][\u001A?][\u001A\u0080-\u00BF][\u001A\u0080-\u00BF]
        | [\u00F0-\u00F4][\u001A\u0080-\u00BF][\u001A?][\u001A\u0080-\u00BF]
        | [\u00F0-\u00F4][\u001A\u0080-\u00BF][\u001A\u0080-\u00BF][\u001A?] | \u001A
        """#
}
