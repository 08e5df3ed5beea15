import Foundation

/// What can be wrong with a tokenizer's file or a text: facts in the cases, wording in `description`. Weights that do
/// not fit are `FormatError.weights`.
public enum TextError: Error, Equatable, Sendable {
    case noTokenizer(path: String)
    case tokenizer(path: String, TokenizerFault)
    /// - Parameter beginning: of the text.
    case tooManyTokens(count: Int, limit: Int, beginning: String)
    case tokenization(beginning: String)
    /// A token that the weights have no embedding for: they belong to another tokenizer.
    case unknownToken(id: Int, embeddings: Int)
}

/// A file that is no SentencePiece model of T5.
public enum TokenizerFault: Error, Equatable, Sendable {
    case largeFilePointer
    case tooLarge(bytes: Int, limit: Int)
    /// What the library said.
    case refused(String)
    /// - Parameter offset: of the field's content in its message.
    case malformedField(offset: Int)
    /// The table that maps characters leads out of itself.
    case characterMap
    case missingPiece(String)
    /// A `tokenizer.json` that this program does not know how to follow.
    case description(String)
}

extension TextError: CustomStringConvertible, LocalizedError {
    public var errorDescription: String? { description }

    public var description: String {
        switch self {
        case .noTokenizer(let path):
            path.hasSuffix(".json")
                ? "cannot read tokenizer: \(path): expected HuggingFace's description of it, got no file; put "
                    + "`tokenizer.json` of huggingface.co/google/umt5-xxl there"
                : "cannot read tokenizer: \(path): expected T5's SentencePiece model, got no file; put `spiece.model` of "
                    + "huggingface.co/google-t5/t5-base there, or name the place where it is"
        case .tokenizer(let path, let fault): "cannot read tokenizer: \(path): \(fault.wording)"
        case .tooManyTokens(let count, let limit, let beginning):
            "cannot encode text: \"\(beginning)\": expected at most \(limit) tokens, got \(count); shorten the text"
        case .tokenization(let beginning):
            "cannot tokenise text: \"\(beginning)\": the SentencePiece library failed; check the model file"
        case .unknownToken(let id, let embeddings):
            "cannot encode text: expected token ids below \(embeddings), the rows of the weights' embedding, "
                + "got \(id); use the tokenizer that belongs to the weights"
        }
    }
}

extension TokenizerFault {
    fileprivate var wording: String {
        switch self {
        case .largeFilePointer:
            "expected a SentencePiece model, got the pointer that Git LFS leaves in its place; run `git lfs pull`"
        case .tooLarge(let bytes, let limit):
            "expected a SentencePiece model of at most \(limit) bytes, got \(bytes); check the file"
        case .refused(let words): "expected a SentencePiece model, got one that its library refuses (\(words))"
        case .malformedField(let offset):
            "expected the fields of a SentencePiece model, got something else at byte \(offset); download it again"
        case .characterMap:
            "expected a table of characters that stays within itself, got one that does not; download it again"
        case .description(let what):
            "expected a unigram tokenizer as HuggingFace writes it, got \(what); use the tokenizer of google/umt5-xxl"
        case .missingPiece(let piece): "expected T5's piece `\(piece)`, got a model without it; use T5's own model"
        }
    }
}
