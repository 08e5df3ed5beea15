import Foundation

/// The parts of HuggingFace's `tokenizer.json` that decide about a unigram tokenizer's ids.
struct TokenizerDescription: Decodable {
    struct AddedToken: Decodable {
        let id: Int
        let content: String
        let lstrip: Bool
        let rstrip: Bool
    }

    /// A step of a normalizer or pre-tokenizer, or a sequence of them.
    struct Step: Decodable {
        let type: String
        let normalizers: [Step]?
        let pretokenizers: [Step]?
        let precompiled_charsmap: String?
        let strip_left: Bool?
        let strip_right: Bool?
        let pattern: [String: String]?
        let content: String?
        let replacement: String?
        let prepend_scheme: String?
        let add_prefix_space: Bool?
        let split: Bool?

        /// This step or those that it stands for.
        var all: [Step] { (normalizers ?? pretokenizers)?.flatMap(\.all) ?? [self] }
    }

    struct Template: Decodable {
        struct Item: Decodable {
            struct Special: Decodable { let id: String }
            let SpecialToken: Special?
            let Sequence: AnyTemplate?
        }

        struct AnyTemplate: Decodable {}
        struct Ids: Decodable { let ids: [Int] }
        let type: String
        let single: [Item]?
        let special_tokens: [String: Ids]?
    }

    struct Model: Decodable {
        struct Piece: Decodable {
            let text: String
            let score: Double

            init(from decoder: any Decoder) throws {
                var values = try decoder.unkeyedContainer()
                text = try values.decode(String.self)
                score = try values.decode(Double.self)
            }
        }

        let type: String
        let unk_id: Int?
        let vocab: [Piece]
        let byte_fallback: Bool?
    }

    let added_tokens: [AddedToken]
    let normalizer: Step?
    let pre_tokenizer: Step?
    let post_processor: Template?
    let model: Model
}
