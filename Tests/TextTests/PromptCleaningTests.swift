import Foundation
import TestSupport
import Testing
import Text

/// What the reference's cases do not show of cleaning and of damaged tokenizers.
@Suite struct PromptCleaningTests {
    @Test(
        "text of many languages stays as it was written",
        arguments: [
            "FIANCÉ… ET CAFÉ", "voilà ! «bonjour»", "schön grün Öl ÄÖÜß", "50°C ±2 µm", "€100 £5 ¥7", "naïve™ façade",
            "É’clair",
            "ÇA VA? ÀÉÈÙ", "žluťoučký kůň", "łódź", "Ελληνικά κείμενο", "Привет мир", "ロボット", "x² + y³ = z½", "Ö²",
        ])
    func legitimate(_ text: String) {
        let straight = text.replacingOccurrences(of: "’", with: "'")
        #expect(PromptCleaning.clean(text) == straight)
    }

    @Test(
        "UTF-8 that was read as something else is turned back",
        arguments: [
            ("crÃ¨me brÃ»lÃ©e", "crème brûlée"), ("donâ€™t", "don't"), ("50Â°C", "50°C"), ("Ð\u{9F}Ñ\u{80}Ð¸", "При"),
            ("gar√ßon", "garçon"), ("S├úo Paulo", "São Paulo"), ("вЂњquotedвЂќ", "\"quoted\""),
            ("ok crème and crÃ¨me", "ok crème and crème"), ("ðŸ¤– robot", "🤖 robot"),
        ])
    func mojibake(_ text: String, _ expected: String) {
        #expect(PromptCleaning.clean(text) == expected)
    }

    /// Written by `make.py` beside them, with ftfy 6.3.1.
    @Test("10,000 prompts of many languages and damages become what the original makes of them")
    func original() throws {
        let text = try String(contentsOf: Goldens.url("wan/prompts/cleaned.jsonl"), encoding: .utf8)
        var (count, wrong) = (0, [String]())
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
            let pair = try JSONDecoder().decode([String].self, from: Data(line))
            count += 1
            let cleaned = PromptCleaning.clean(pair[0])
            if !cleaned.unicodeScalars.elementsEqual(pair[1].unicodeScalars) {
                wrong.append(
                    "\(pair[0].debugDescription): \(cleaned.debugDescription), not \(pair[1].debugDescription)")
            }
        }
        #expect(count == 10_000 && wrong.isEmpty, "\(wrong.count) differ: \(wrong.prefix(12).joined(separator: "; "))")
    }

    @Test("long runs of references and marks take no more than moments")
    func hostileTexts() {
        for text in ["&amp;", "&", "&#", "Ã", "â€", "\u{1B}[", "<", "ã\u{81}", "&notit;"] {
            let cleaned = PromptCleaning.clean(String(repeating: text, count: 5000))
            #expect(cleaned.utf8.count <= text.utf8.count * 5000)
        }
    }

    @Test("the SentencePiece model alone gives the ids of tokenizer.json, and a damaged one an error")
    func sentencePieceAlone() throws {
        let folder = Goldens.url("wan/latents_pth/ckpt_dir/google/umt5-xxl")
        let model = folder.appendingPathComponent("spiece.model")
        let tokenizer = try UnigramTokenizer(sentencePiece: model.path)
        let described = try UnigramTokenizer(path: folder.appendingPathComponent("tokenizer.json").path)
        #expect(tokenizer.count == described.count)
        guard case .array(let cases)? = try JSONValue(contentsOf: Goldens.url("wan/tokenizer/cases.json"))["cases"]
        else { throw CocoaError(.fileReadCorruptFile) }
        for item in cases {
            let text = try #require(item["cleaned"]?.string)
            #expect(tokenizer.ids(of: text) == described.ids(of: text), "\(text)")
        }
        let copy = try TemporaryFolder()
        let bytes = try Data(contentsOf: model)
        for cut in [10, 1000, bytes.count / 2] {
            try bytes.prefix(cut).write(to: copy.url("spiece.model"))
            #expect(throws: (any Error).self) { try UnigramTokenizer(sentencePiece: copy.path("spiece.model")) }
        }
    }

    @Test("a token that lost its text is found nowhere", .timeLimit(.minutes(1)))
    func emptyToken() throws {
        let model = Goldens.url("wan/latents_pth/ckpt_dir/google/umt5-xxl/spiece.model")
        let sound = try UnigramTokenizer(sentencePiece: model.path)
        var bytes = try Data(contentsOf: model)
        // The tag of a control piece's text; another one, and the piece has none.
        #expect(bytes[47] == 0x0A)
        bytes[47] = 0x2A
        let copy = try TemporaryFolder()
        try bytes.write(to: copy.url("spiece.model"))
        let tokenizer = try UnigramTokenizer(sentencePiece: copy.path("spiece.model"))
        for text in ["push the block", "", " "] { #expect(tokenizer.ids(of: text) == sound.ids(of: text)) }
    }

    @Test("a tokenizer's description that is damaged or of another kind is an error that says so")
    func damagedTokenizer() throws {
        let folder = try TemporaryFolder()
        let path = Goldens.url("wan/latents_pth/ckpt_dir/google/umt5-xxl/tokenizer.json")
        let text = try String(contentsOf: path, encoding: .utf8)
        for (what, change) in [
            ("Unigram", ("\"type\":\"Unigram\"", "\"type\":\"BPE\"")),
            ("unk_id", ("\"unk_id\":3", "\"unk_id\":99999999")),
            ("Metaspace", ("\"Metaspace\"", "\"Whitespace\"")), ("normalizer", ("\"Strip\"", "\"Lowercase\"")),
            ("template", ("TemplateProcessing", "BertProcessing")), ("table", ("\"ALwCAAC", "\"////AAC")),
        ] {
            var changed = text
            for spaced in ["", " "] {
                let old = change.0.replacingOccurrences(of: "\":", with: "\":" + spaced)
                changed = changed.replacingOccurrences(of: old, with: change.1)
            }
            #expect(changed != text, "\(what)")
            let file = try folder.write(changed, to: "tokenizer.json")
            #expect { try UnigramTokenizer(path: file) } throws: { "\($0)".contains(what) }
        }
        let cut = try folder.write(String(text.prefix(1000)), to: "cut.json")
        #expect { try UnigramTokenizer(path: cut) } throws: { "\($0)".contains("no JSON") }
        #expect { try UnigramTokenizer(path: folder.path("none.json")) } throws: { "\($0)".contains("google/umt5-xxl") }
    }
}
