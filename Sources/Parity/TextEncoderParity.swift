import Formats
import Foundation
import Tensor
import Text

/// Case `t5base`: T5's tokenizer, and its encoder from each kind of weight file in a folder per kind of feed-forward
/// network.
struct TextEncoderParity {
    let folder: String

    /// The limit of the reference data's README for hidden states; position biases are copies.
    private static let hiddenStates = ParityTolerance.absolute(3e-5)
    private static let variants = ["relu", "gated_gelu"]
    private static let weightFiles = ["model.safetensors", "pytorch_model.bin", "encoder_only.pth"]
    /// The lengths that a name may ask for: the folder may come from anywhere.
    private static let longest = 4096

    func run() throws -> ParityReport {
        var report = ParityReport(folder: folder)
        try tokenizer(into: &report)
        for variant in Self.variants {
            var files = 0
            for name in Self.weightFiles {
                let path = "\(folder)/\(variant)/\(name)"
                guard FileManager.default.fileExists(atPath: path) else { continue }
                files += 1
                try encoder(variant, weights: WeightFile(path: path), "\(variant)/\(name)", into: &report)
            }
            report.check("\(variant) weights", files > 0, otherwise: "expected one of \(Self.weightFiles), got none")
        }
        return report
    }

    private func tokenizer(into report: inout ParityReport) throws {
        let path = "\(folder)/tokenizer_goldens.json"
        let expected = try JSONDecoder().decode(
            TokenizerReference.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
        let tokenizer = try T5Tokenizer(path: "\(folder)/spiece.model")
        func check<Value: Equatable>(_ name: String, _ got: Value, expected wanted: Value) {
            report.check(name, got == wanted, otherwise: "expected \(wanted), got \(got)")
        }
        check("pieces", tokenizer.model.count, expected: expected.sentencepiece_vocab_size)
        check("pad and eos", [tokenizer.padID, tokenizer.eosID], expected: [expected.pad_id, expected.eos_id])
        check("first extra id", try tokenizer.ids(of: "<extra_id_0>").first, expected: expected.extra_id_0)
        check("last extra id", try tokenizer.ids(of: "<extra_id_99>").first, expected: expected.extra_id_99)
        for (index, string) in expected.strings.enumerated() {
            check("string \(index) ids", try tokenizer.ids(of: string.text, limit: .max), expected: string.ids_legacy)
            check("string \(index) pieces", try tokenizer.pieces(of: string.text), expected: string.pieces_legacy)
        }
        for (index, reference) in expected.padded_batches.enumerated() {
            let batch = TokenBatch(
                padding: try reference.texts.map { try tokenizer.ids(of: $0) }, with: tokenizer.padID)
            check("batch \(index) ids", batch.ids, expected: reference.input_ids.flatMap { $0 })
            check(
                "batch \(index) mask", batch.mask.map { $0 ? 1 : 0 }, expected: reference.attention_mask.flatMap { $0 })
        }
    }

    private func encoder(_ variant: String, weights: WeightFile, _ name: String, into report: inout ParityReport) throws
    {
        let config = try ParityConfig(folder: "\(folder)/\(variant)")
        let inputs = try SafeTensors(path: "\(folder)/\(variant)/inputs.safetensors")
        let outputs = try SafeTensors(path: "\(folder)/\(variant)/outputs_f32.safetensors")
        let encoder = try T5Encoder(weights: weights, on: ParityBackend.open())
        let own = encoder.configuration
        for (key, size) in [
            ("d_model", own.width), ("num_heads", own.heads), ("d_kv", own.headDim), ("d_ff", own.feedForwardWidth),
            ("num_layers", own.blocks), ("vocab_size", own.vocabulary),
        ] {
            report.compare("\(name) \(key)", [Double(size)], to: [try config.double(key)], within: .exact)
        }
        report.check("\(name) feed-forward", own.isGated == (variant != "relu"), otherwise: "expected \(variant)")

        let suffix = ".input_ids"
        for input in inputs.names where input.hasSuffix(suffix) {
            let batch = String(input.dropLast(suffix.count))
            let states = try encoder.hiddenStates(try tokens(inputs, batch)).map(encoder.backend.floats)
            for (layer, state) in states.enumerated() {
                guard let expected = outputs.tensors["\(batch).hidden_states.\(layer)"] else { continue }
                report.compare(
                    "\(name) \(batch).hidden_states.\(layer)", state, to: expected, within: Self.hiddenStates)
            }
            report.compare(
                "\(name) \(batch).last_hidden_state", states[states.count - 1],
                to: try outputs.tensor("\(batch).last_hidden_state"), within: Self.hiddenStates)
        }
        for output in outputs.names {
            if let length = number(in: output, after: "position_bias_len_") {
                report.compare(
                    "\(name) \(output)", edgeRows(encoder.positionBias(length: length), heads: own.heads, length),
                    to: try outputs.tensor(output), within: .exact)
            } else if let last = number(in: output, after: "bucket_of_relative_position_-") {
                report.compare(
                    "\(name) \(output)", (-last...last).map { Float(RelativePositions.bucket($0)) },
                    to: try outputs.tensor(output), within: .exact)
            }
        }
    }

    private func tokens(_ file: SafeTensors, _ batch: String) throws -> TokenBatch {
        let ids = try file.tensor("\(batch).input_ids"), mask = try file.tensor("\(batch).attention_mask")
        guard ids.shape.count == 2, ids.count > 0, ids.shape[1] <= Self.longest, mask.shape == ids.shape else {
            throw ParityError.badTensor(
                path: file.path, name: "\(batch).input_ids",
                expected: "[texts, tokens] and a mask `\(batch).attention_mask` of that shape", got: ids.shape)
        }
        return TokenBatch(
            ids: try ids.int64s().map(Int.init), mask: try mask.int64s().map { $0 != 0 }, count: ids.shape[0],
            length: ids.shape[1])
    }

    /// The number that a name has behind `prefix`, up to the first character that is no digit.
    private func number(in name: String, after prefix: String) -> Int? {
        guard name.hasPrefix(prefix), let number = Int(name.dropFirst(prefix.count).prefix { $0.isNumber }) else {
            return nil
        }
        return (1...Self.longest).contains(number) ? number : nil
    }

    /// `[heads, 3, length]`: the first, the middle and the last query of each head.
    private func edgeRows(_ bias: [Float], heads: Int, _ length: Int) -> [Float] {
        (0..<heads).flatMap { head in
            [0, length / 2, length - 1].flatMap { query -> ArraySlice<Float> in
                let start = (head * length + query) * length
                return bias[start..<start + length]
            }
        }
    }
}

/// `tokenizer_goldens.json`.
private struct TokenizerReference: Decodable {
    struct Text: Decodable {
        let text: String
        let ids_legacy: [Int]
        let pieces_legacy: [String]
    }

    struct Batch: Decodable {
        let texts: [String]
        let input_ids: [[Int]]
        let attention_mask: [[Int]]
    }

    let sentencepiece_vocab_size: Int
    let pad_id: Int
    let eos_id: Int
    let extra_id_0: Int
    let extra_id_99: Int
    let strings: [Text]
    let padded_batches: [Batch]
}
