import Formats
import Foundation
import LAM
import LAMData

/// Pictures of what each code stands for: pairs that use it, initial frame above, target in the middle, the model's
/// reconstruction below.
struct ContactSheets {
    /// Examples side by side on one code's sheet.
    static let examplesPerCode = 8

    private struct Example {
        let pair: PairPictures
        let occurrences: Int
    }

    private let sheet: PairSheet
    private var examples: [[Example]]
    /// Of each code, over all pairs.
    private var uses: [Int]
    private var codesPerPair = 1

    init(encoder: PixelEncoder, resolution: Int, codes: Int) {
        sheet = PairSheet(encoder: encoder, size: resolution)
        examples = [[Example]](repeating: [], count: codes)
        uses = [Int](repeating: 0, count: codes)
    }

    /// Keeps the batch's pairs that use a code most often of those seen so far.
    ///
    /// - Parameter recon: predicted features of the batch, `[B, 1, N, D]`.
    mutating func add(_ batch: FramePairBatch, indices: [Int32], recon: [Float]) {
        let perSample = indices.count / batch.samples.count
        codesPerPair = perSample
        for code in indices { uses[Int(code)] += 1 }
        for sample in batch.samples.indices {
            let codes = indices[sample * perSample..<(sample + 1) * perSample]
            for code in Set(codes).sorted() {
                let occurrences = codes.count { $0 == code }
                // One example an episode: neighbouring pairs look alike and would fill the sheet.
                let source = batch.samples[sample]
                let episode = "\(source.dataset) \(source.episode)"
                if let same = examples[Int(code)].firstIndex(where: { $0.pair.episode == episode }) {
                    guard occurrences > examples[Int(code)][same].occurrences else { continue }
                    examples[Int(code)].remove(at: same)
                }
                let kept = examples[Int(code)]
                guard kept.count < Self.examplesPerCode || occurrences > (kept.last?.occurrences ?? 0) else { continue }
                let example = Example(
                    pair: sheet.pictures(batch, sample: sample, recon: recon), occurrences: occurrences)
                // A stable order: earlier pairs stay in front of later ones with as many occurrences.
                let place = kept.firstIndex { $0.occurrences < occurrences } ?? kept.count
                examples[Int(code)].insert(example, at: place)
                if examples[Int(code)].count > Self.examplesPerCode { examples[Int(code)].removeLast() }
            }
        }
    }

    /// One picture per code that occurred.
    func sheets() -> [(name: String, image: PNGImage)] {
        let total = uses.reduce(0, +)
        return examples.enumerated().compactMap { code, examples in
            guard !examples.isEmpty else { return nil }
            let share = String(format: "%.1f", 100 * Double(uses[code]) / Double(max(1, total)))
            let title = "code \(code): \(uses[code]) of \(total) uses (\(share) %)"
            let pairs = examples.map { (pictures: $0.pair, word: "\($0.occurrences) of \(codesPerPair)") }
            return ("code_\(code.twoDigits)", sheet.image(pairs, title: title))
        }
    }
}
