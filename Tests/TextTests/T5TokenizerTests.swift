import Foundation
import TestSupport
import Testing
import Text

/// Every string of the reference data goes through `lam parity`'s replay, which TrainTests run; here is what it lacks.
@Suite("T5 tokenizer")
struct T5TokenizerTests {
    private let tokenizer: T5Tokenizer
    private let folder: TemporaryFolder

    init() throws {
        tokenizer = try T5Tokenizer(path: Goldens.url("lam/t5base/spiece.model").path)
        folder = try TemporaryFolder()
    }

    private struct Reference: Decodable {
        struct Text: Decodable {
            let text: String
            let ids_legacy: [Int]
            let pieces_legacy: [String]
        }

        let strings: [Text]
    }

    @Test("gives HuggingFace's ids and pieces for every reference string")
    func references() throws {
        let data = try Data(contentsOf: Goldens.url("lam/t5base/tokenizer_goldens.json"))
        let strings = try JSONDecoder().decode(Reference.self, from: data).strings
        #expect(strings.count > 50)
        for string in strings {
            #expect(
                try tokenizer.ids(of: string.text, limit: .max) == string.ids_legacy, "\(string.text.debugDescription)")
            #expect(try tokenizer.pieces(of: string.text) == string.pieces_legacy)
        }
    }

    @Test("cuts special tokens out by their code points, and swallows Python's blanks around extra ids only")
    func specialTokens() throws {
        let (pick, up) = ([96, 51], [143])
        for (text, ids) in [
            ("pick\u{1C}\u{3000}<extra_id_0>\u{85} up", pick + [339] + up + [1]),
            ("<extra_id_0></s>", [339, 1]), ("<extra_id_0> <extra_id_0>", [339, 339, 1]), ("</s></s>", [1, 1]),
            ("pick<pad><unk>up", pick + [0, 2] + up + [1]),
            ("<<pad>", try tokenizer.ids(of: "<").dropLast() + [0, 1]),
        ] {
            #expect(try tokenizer.ids(of: text) == ids, "\(text.debugDescription)")
        }
        // What only looks like a special token is text.
        for text in ["<extra_id_100>", "<extra_id_00>", "<extra_id_>", "<extra_id_-1>", "<PAD>", "< pad>", "</s"] {
            let ids = try tokenizer.ids(of: text)
            #expect(ids.allSatisfy { $0 != 0 && $0 < tokenizer.model.count }, "\(text)")
        }
        // A combining character does not make another token of the one before it.
        #expect(try tokenizer.ids(of: "<pad>\u{301}").first == 0)
    }

    @Test("refuses a text of more than 512 tokens and says which")
    func tooLong() throws {
        let longest = Array(repeating: "<pad>", count: 511).joined()
        #expect(try tokenizer.ids(of: longest).count == 512)
        let error = #expect(throws: TextError.self) { try tokenizer.ids(of: "<unk>" + longest) }
        guard case .tooManyTokens(513, limit: 512, let beginning)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(beginning == ("<unk>" + longest).prefix(60) + "…")
        #expect(error?.description.contains("at most 512 tokens, got 513") == true)
    }

    @Test("a missing file, a folder, and files that are no model are errors that say so")
    func badFiles() throws {
        let missing = folder.path("spiece.model")
        let error = #expect(throws: TextError.noTokenizer(path: missing)) { try T5Tokenizer(path: missing) }
        #expect(error?.description.contains("t5-base") == true)
        #expect(throws: (any Error).self) { try T5Tokenizer(path: folder.root.path) }

        let pointer = try folder.write(
            "version https://git-lfs.github.com/spec/v1\noid sha256:d60a\nsize 791656\n", to: "pointer.model")
        #expect(throws: TextError.tokenizer(path: pointer, .largeFilePointer)) { try T5Tokenizer(path: pointer) }
        for (index, bytes) in [[], [0], [UInt8](repeating: 0xFF, count: 100), Array("PK\u{3}\u{4}".utf8)].enumerated() {
            let path = folder.path("\(index).model")
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            let error = #expect(throws: TextError.self) { try T5Tokenizer(path: path) }
            guard case .tokenizer(path, _)? = error else {
                Issue.record("\(bytes.prefix(4)): \(String(describing: error))")
                continue
            }
        }
    }

    @Test("a truncated model never loads")
    func truncated() throws {
        let model = try Data(contentsOf: Goldens.url("lam/t5base/spiece.model"))
        for count in Array(stride(from: 1, to: model.count, by: 6007)) + [model.count - 1] {
            let url = folder.url("\(count).model")
            try model.prefix(count).write(to: url)
            #expect(throws: TextError.self, "\(count) bytes") { try T5Tokenizer(path: url.path) }
        }
    }

    @Test("a damaged model is an error or a tokenizer, and never more", arguments: 0..<4)
    func damaged(seed: UInt64) throws {
        let model = try [UInt8](Data(contentsOf: Goldens.url("lam/t5base/spiece.model")))
        var state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        // The pieces and the trainer's settings lie at the start, the table of characters behind them.
        for round in 0..<50 {
            var bytes = model
            for _ in 0...random(4) {
                let place = random(2) == 0 ? random(3000) : random(bytes.count)
                switch random(3) {
                case 0: bytes[place] ^= 1 << UInt8(random(8))
                case 1: bytes[place] = UInt8(random(256))
                default: for index in place..<min(place + 4, bytes.count) { bytes[index] = 0xFF }
                }
            }
            let url = folder.url("\(seed)-\(round).model")
            try Data(bytes).write(to: url)
            do {
                let tokenizer = try T5Tokenizer(path: url.path)
                for text in ["pick up the red block", "café ﬁ 🤖", "<s>\u{0}"] { _ = try? tokenizer.ids(of: text) }
            } catch is TextError {}
            try FileManager.default.removeItem(at: url)
        }
    }

    @Test("a table of characters whose links lead out of it is refused")
    func characterMap() throws {
        var model = try [UInt8](Data(contentsOf: Goldens.url("lam/t5base/spiece.model")))
        // The root of the trie: behind the table's own length, 179,200 little-endian.
        let length: [UInt8] = [0x00, 0xBC, 0x02, 0x00]
        let start = try #require(
            (0..<model.count - 4).first { Array(model[$0..<$0 + 4]) == length })
        for (offset, bytes) in [
            (4, [0x00, 0xFC, 0xFF, 0x7F]),  // a root whose children lie beyond the end
            (0, [0xFF, 0xFF, 0xFF, 0xFF]),  // a trie longer than the table
            (0, [0x01, 0xBC, 0x02, 0x00]),  // not a whole number of units
            (0, [0x00, 0x00, 0x00, 0x00]),  // no trie
        ] as [(Int, [UInt8])] {
            let old = Array(model[start + offset..<start + offset + 4])
            model.replaceSubrange(start + offset..<start + offset + 4, with: bytes)
            let url = folder.url("\(offset)-\(bytes[0])-\(bytes[1]).model")
            try Data(model).write(to: url)
            #expect(throws: TextError.tokenizer(path: url.path, .characterMap)) { try T5Tokenizer(path: url.path) }
            model.replaceSubrange(start + offset..<start + offset + 4, with: old)
        }
    }
}
