import Formats
import LAM
import LAMData

/// Pictures of what continuous latents tell: a pair, and beside it the pairs of other episodes whose latents are nearest to its
/// own.
struct NeighbourSheets {
    /// Sheets, and pairs side by side on one: the first is whose neighbours the others are.
    static let sheetCount = 8
    static let pairsPerSheet = 8
    /// What kept pictures may take.
    private static let mostBytes = 64 << 20

    private struct Kept {
        let pair: PairPictures
        let latents: [Float]
    }

    private let sheet: PairSheet
    private let limit: Int
    private var kept: [Kept] = []
    private var seen = 0
    /// Every so many pairs are kept.
    private var stride = 1

    init(encoder: PixelEncoder, resolution: Int) {
        sheet = PairSheet(encoder: encoder, size: resolution)
        limit = max(2 * Self.pairsPerSheet, Self.mostBytes / (9 * resolution * resolution))
    }

    /// Keeps pairs evenly from all that are seen: when there are too many, every second one goes.
    ///
    /// - Parameters:
    ///   - latents: of the batch's pairs, `[B, n, L]` flat.
    ///   - recon: predicted features of the batch, `[B, 1, N, D]`.
    mutating func add(_ batch: FramePairBatch, latents: [Float], recon: [Float]) {
        let width = latents.count / max(1, batch.samples.count)
        for sample in batch.samples.indices {
            defer { seen += 1 }
            guard seen.isMultiple(of: stride) else { continue }
            if kept.count >= limit {
                kept = kept.indices.filter { $0.isMultiple(of: 2) }.map { kept[$0] }
                stride *= 2
                guard seen.isMultiple(of: stride) else { continue }
            }
            kept.append(
                Kept(
                    pair: sheet.pictures(batch, sample: sample, recon: recon),
                    latents: Array(latents[sample * width..<(sample + 1) * width])))
        }
    }

    /// Sheets of pairs that lie evenly among those kept.
    func sheets() -> [(name: String, image: PNGImage)] {
        let count = min(Self.sheetCount, kept.count)
        return (0..<count).map { number in
            let chosen = kept[number * kept.count / count]
            return (
                "neighbours_\(number.twoDigits)",
                sheet.image(
                    [(chosen.pair, "this one")]
                        + neighbours(of: chosen).enumerated().map { ($1.pair, "nearest \($0 + 1)") },
                    title: "a pair, and those of other episodes with the nearest latents")
            )
        }
    }

    /// The nearest pairs, at most one of an episode: neighbouring pairs look alike and would fill the sheet.
    private func neighbours(of chosen: Kept) -> [Kept] {
        func distance(_ other: Kept) -> Float {
            zip(other.latents, chosen.latents).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        }
        var nearest: [String: (place: Int, distance: Float)] = [:]
        for (place, other) in kept.enumerated() where other.pair.episode != chosen.pair.episode {
            let own = distance(other)
            if own < nearest[other.pair.episode]?.distance ?? .infinity { nearest[other.pair.episode] = (place, own) }
        }
        let ordered = nearest.values.sorted { ($0.distance, $0.place) < ($1.distance, $1.place) }
        return ordered.prefix(Self.pairsPerSheet - 1).map { kept[$0.place] }
    }
}
