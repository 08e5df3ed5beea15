/// T5's tokenizer, id for id what HuggingFace's `T5Tokenizer` gives in its default (legacy) mode.
///
/// Special tokens that are written in a text (`</s>`, `<pad>`, `<unk>`, `<extra_id_0>` … `<extra_id_99>`) are cut out
/// first; blanks around the extra ids vanish. What is left between them goes through SentencePiece chunk by chunk, each
/// with a blank of its own put before it. Then `</s>` is appended unless the ids end with it already; so a text without
/// any letter is `[1]`.
public struct T5Tokenizer: Sendable {
    /// The number of tokens that T5 was trained with.
    public static let tokenLimit = 512
    /// `<extra_id_k>` has id `model.count + extraIDs - 1 - k`.
    private static let extraIDs = 100

    public let model: SentencePieceModel
    public let eosID: Int
    public let padID: Int
    /// Ids of the tokens that are looked for in a text, by their spelling.
    private let specialIDs: [String: Int]

    /// - Parameter path: the file `spiece.model`.
    /// - Throws: `TextError.noTokenizer`, `.tokenizer`; `FormatError` where the file cannot be read.
    public init(path: String) throws {
        model = try SentencePieceModel(path: path)
        let unknown = model.id(of: "<unk>")
        var ids = ["<unk>": unknown]
        for piece in ["</s>", "<pad>"] {
            let id = model.id(of: piece)
            guard id >= 0, id != unknown else { throw TextError.tokenizer(path: path, .missingPiece(piece)) }
            ids[piece] = id
        }
        (eosID, padID) = (model.id(of: "</s>"), model.id(of: "<pad>"))
        for k in 0..<Self.extraIDs { ids["<extra_id_\(k)>"] = model.count + Self.extraIDs - 1 - k }
        specialIDs = ids
    }

    /// The ids of a text with `</s>` at the end.
    /// - Parameter limit: a text of more tokens is refused.
    /// - Throws: `TextError.tooManyTokens`, `.tokenization`.
    public func ids(of text: String, limit: Int = T5Tokenizer.tokenLimit) throws(TextError) -> [Int] {
        var ids = try pieces(of: text).map { specialIDs[$0] ?? model.id(of: $0) }
        if ids.last != eosID { ids.append(eosID) }
        guard ids.count <= limit else {
            throw .tooManyTokens(count: ids.count, limit: limit, beginning: Self.beginning(of: text))
        }
        return ids
    }

    /// The pieces of a text, without the `</s>` that `ids(of:)` appends.
    /// - Throws: `TextError.tokenization`.
    public func pieces(of text: String) throws(TextError) -> [String] {
        var pieces: [String] = []
        var rest = text.unicodeScalars[...]
        while let (token, range) = nextSpecial(in: rest) {
            var before = rest[..<range.lowerBound]
            rest = rest[range.upperBound...]
            if token.hasPrefix("<extra_id_") {
                while let last = before.last, Self.isBlank(last) { before.removeLast() }
                rest = rest.drop(while: Self.isBlank)
            }
            pieces += try split(before, of: text)
            pieces.append(token)
        }
        return pieces + (try split(rest, of: text))
    }

    private func split(_ chunk: Substring.UnicodeScalarView, of text: String) throws(TextError) -> [String] {
        guard let pieces = model.pieces(of: Substring(chunk)) else {
            throw .tokenization(beginning: Self.beginning(of: text))
        }
        return pieces
    }

    /// The first special token in `text`. None is the beginning of another.
    private func nextSpecial(
        in text: Substring.UnicodeScalarView
    ) -> (token: String, range: Range<String.Index>)? {
        var start = text.startIndex
        while let open = text[start...].firstIndex(of: "<") {
            if let close = text[open...].prefix(16).firstIndex(of: ">") {
                let end = text.index(after: close)
                let token = String(text[open..<end])
                if specialIDs[token] != nil { return (token, open..<end) }
            }
            start = text.index(after: open)
        }
        return nil
    }

    /// Python's `str.isspace`: Unicode's white space and four separators of ASCII.
    private static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value)
    }

    private static func beginning(of text: String) -> String { text.count > 60 ? text.prefix(60) + "…" : text }
}
