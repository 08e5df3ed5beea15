import Formats
import Foundation
import Tensor
import Text

/// Case `umt5`: the text encoder, with the weights of `latents_pth/ckpt_dir` beside the folder.
struct UMT5Parity {
    let folder: String

    /// Limits of the reference data's README.
    private static let vectors = ParityTolerance.mixed(absolute: 2e-5, factor: 1e-5)
    /// Limit of this program's f32 values against the original's bf16 values.
    private static let rounded = ParityTolerance.absolute(0.2)
    private static let roundedDeviation = 0.03

    func run() throws -> ParityReport {
        var report = ParityReport(folder: folder)
        let checkpoint = URL(fileURLWithPath: folder).deletingLastPathComponent()
            .appendingPathComponent("latents_pth/ckpt_dir/models_t5_umt5-xxl-enc-bf16.pth").path
        let weights = try WeightFile(path: checkpoint)
        let reference = try SafeTensors(path: folder + "/umt5.safetensors")
        let backend = ParityBackend.open()
        let encoder = try UMT5Encoder(weights: weights, on: backend)
        let ids = try reference.tensor("ids"), mask = try reference.tensor("mask")
        guard ids.shape.count == 2, ids.count > 0, ids.shape[1] <= 4096, mask.shape == ids.shape else {
            throw ParityError.badTensor(
                path: reference.path, name: "ids", expected: "[texts, tokens] and a mask of that shape", got: ids.shape)
        }
        let texts = try (0..<ids.shape[0]).map { row in
            let real = try mask.rows(row..<row + 1).int64s()
            return zip(try ids.rows(row..<row + 1).int64s(), real).filter { $0.1 != 0 }.map { Int($0.0) }
        }
        let together = try encoder(texts)
        for (index, vectors) in together.enumerated() {
            for key in ["emb\(index)_f32", "emb\(index)_f64_as_f32"] {
                report.compare(key, vectors, to: try reference.tensor(key), within: Self.vectors)
            }
            let rounded = try reference.tensor("emb\(index)_bf16")
            report.compare("emb\(index)_bf16", vectors, to: rounded, within: Self.rounded)
            let squares = zip(vectors, rounded.floats()).reduce(0.0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
            let deviation = (squares / Double(max(vectors.count, 1))).squareRoot()
            report.check(
                "emb\(index)_bf16, root mean square", deviation <= Self.roundedDeviation,
                otherwise: "expected at most \(Self.roundedDeviation), got \(deviation)")
            report.compare(
                "emb\(index)_f32 by itself", try encoder([texts[index]])[0],
                to: try reference.tensor("emb\(index)_f32"), within: Self.vectors)
        }
        let buckets = try reference.tensor("bucket_ids").int64s().map(Int.init)
        let distances = try reference.tensor("bucket_rel").int64s().map(Int.init)
        report.check(
            "buckets", distances.map(RelativePositions.bucket) == buckets,
            otherwise: "expected the buckets of the reference")
        try intermediates(encoder, texts[0], into: &report)
        return report
    }

    private func intermediates(_ encoder: UMT5Encoder, _ text: [Int], into report: inout ParityReport) throws {
        let reference = try SafeTensors(path: folder + "/intermediates_text0_f32.safetensors")
        var states: [[Float]] = []
        let last = try encoder([text], visit: { states.append(encoder.backend.floats($0)) })
        report.compare(
            "text 0 token_embedding", states[0], to: try reference.tensor("token_embedding"), within: .exact)
        for (block, state) in states.dropFirst().enumerated() {
            report.compare(
                "text 0 blocks.\(block)", state, to: try reference.tensor("blocks.\(block)"), within: Self.vectors)
        }
        report.compare("text 0 norm", last[0], to: try reference.tensor("norm"), within: Self.vectors)
    }
}
