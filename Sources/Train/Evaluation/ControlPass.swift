import Collectives
import LAM
import LAMData
import LatentEvaluation
import Randomness
import Tensor

/// Looks at some pairs of an evaluation once more, with latents that are not theirs; and at some that follow each other, with
/// their frames in other pairs.
struct ControlPass {
    /// Pairs that are looked at with exchanged latents, and those of them at which relations are looked at: enough for two
    /// digits, and few beside the evaluation itself.
    static let pairs = 256
    static let relatedPairs = 64

    let module: LAMModule
    let encoder: BatchEncoder
    let pairs: EvaluationPairs
    let group: any ProcessGroup

    private var parts: [LatentPart] { module.model.latentParts }
    private var backend: any Backend { module.backend }

    /// - Parameter bank: of all ranks.
    /// - Returns: sums over the pairs of all ranks; nil where there are too few to standardise.
    func controls(_ bank: LatentBank) throws -> ControlSums? {
        guard let standardization = bank.moments.standardization else { return nil }
        var generator = RandomGenerator(seed: pairs.seed, purpose: "latent donors")
        let donors = LatentDonors(episodes: bank.episodes) { generator.integer(below: $0) }
        let deviations = parts.indices.map(bank.deviation)
        var own = ControlSums()
        let stream = try pairs.stream(ofSamples: bank.pairs.map(\.sample))
        while let batch = try stream.next() {
            let input = try encoder(batch).input()
            let tape = Tape(on: backend, recording: false, autocast: module.autocast)
            let (currentFeatures, targetFeatures) = module.model.comparedFeatures(of: input, tape)
            let current = backend.floats(currentFeatures), target = backend.floats(targetFeatures)
            let numbers = batch.samples.map(\.sample)
            var predictions: [LatentControl: [Float]] = [:]
            for control in LatentControl.allCases {
                guard control != .otherEpisode || donors.otherEpisode != nil else { continue }
                let latents = parts.indices.map { part -> Tensor in
                    let values = numbers.flatMap { number -> [Float] in
                        let width = parts[part].width
                        switch control {
                        case .own: return bank.latents[part][number]
                        case .zero: return [Float](repeating: 0, count: width)
                        case .sameEpisode: return bank.latents[part][donors.sameEpisode[number]]
                        case .otherEpisode: return bank.latents[part][donors.otherEpisode?[number] ?? number]
                        case .gaussian:
                            var random = RandomGenerator(seed: pairs.seed, purpose: "gaussian latents", part, number)
                            return (0..<width).map { _ in Float(random.normal() * deviations[part]) }
                        }
                    }
                    return backend.tensor(
                        values, [numbers.count, parts[part].perPair, parts[part].bottleneck.latentWidth])
                }
                predictions[control] = backend.floats(module.model.reconstruction(of: input, latents: latents, tape))
            }
            let size = target.count / numbers.count
            for (place, sample) in batch.samples.enumerated() {
                // Where a bad sample was replaced, the bank may know another pair.
                guard bank.pairs[sample.sample].isSame(sample, batch.frames[2 * place]) else { continue }
                let range = place * size..<(place + 1) * size
                own.add(
                    predictions.mapValues { $0[range] }, current: current[range], target: target[range],
                    standardization)
            }
        }
        var all = ControlSums()
        all.add(try group.sum(own.values, for: "controls"))
        return all
    }

    /// Additivity and reversal of the action's latents.
    ///
    /// - Parameter samples: from which pairs are chosen.
    /// - Returns: sums over the pairs of all ranks.
    func relations(_ samples: [Int]) throws -> LatentRelations {
        var relations = LatentRelations()
        guard !module.model.latentsReadStates else { return relations }
        let stream = try pairs.stream(ofSuccessors: samples, atMost: Self.relatedPairs)
        while let batch = try stream.next() {
            let input = try encoder(batch).input()
            let straight = try latents(of: input), width = module.model.action.width
            let patches = backend.floats(input.patches), shape = input.patches.shape
            let frame = shape[2] * shape[3]
            func part(_ pair: Int, _ number: Int) -> ArraySlice<Float> {
                patches[(2 * pair + number) * frame..<(2 * pair + number + 1) * frame]
            }
            let followed = stride(from: 0, to: batch.samples.count - 1, by: 2).filter { first in
                let (a, b) = (batch.samples[first], batch.samples[first + 1])
                return a.dataset == b.dataset && a.episode == b.episode && a.target == b.frame
            }
            guard !followed.isEmpty else { continue }
            var other: [Float] = []
            other.reserveCapacity(patches.count)
            for pair in batch.samples.indices {
                let first = pair / 2 * 2
                let isFirst = pair == first, last = min(first + 1, batch.samples.count - 1)
                // In the place of the first pair that from its first frame to the last one's; in that of the second one the
                // first turned around. Instructions stay, which are of the same episode.
                other += isFirst ? part(first, 0) + part(last, 1) : part(first, 1) + part(first, 0)
            }
            let composed = try latents(
                of: LatentActionInput(
                    patches: backend.tensor(other, shape), language: input.language, states: input.states))
            func row(_ values: [Float], _ pair: Int) -> [Float] { Array(values[pair * width..<(pair + 1) * width]) }
            for first in followed {
                relations.add(
                    row(straight, first), row(straight, first + 1), row(composed, first), row(composed, first + 1))
            }
        }
        var all = LatentRelations()
        all.add(try group.sum(relations.values, for: "relations of latents"))
        return all
    }

    private func latents(of input: LatentActionInput) throws -> [Float] {
        backend.floats(try module.validationStep(input).latents[0].z)
    }
}
