import Collectives
import LAM
import LAMData
import LatentEvaluation
import Randomness
import Tensor

/// Gathers what action probes need of the pairs of an evaluation: of bounded size, as of many pairs some are taken, evenly.
struct ProbeCollector {
    /// Pairs that are probed, over all datasets.
    static let pairs = 4096
    /// Numbers that a frame's features are folded to before principal components are taken.
    private static let frameWidth = 256

    private let sources: [StreamSource]
    private let width: Int
    private let seed: UInt64
    private var folds: (frame: RandomFold, difference: RandomFold)?
    /// By dataset; nil where it has no actions.
    private var probes: [ActionProbe?]
    private var samples: [(dataset: Int, sample: ActionProbe.Sample)] = []
    private var actions: (episode: [Int], rows: [[Double]]?) = ([], nil)

    /// - Parameter action: what is probed.
    /// - Throws: what reading actions throws.
    init(_ pairs: EvaluationPairs, stream: FramePairStream, action: LatentPart) throws {
        (sources, width, seed) = (pairs.sources, action.width, pairs.seed)
        probes = try pairs.sources.enumerated().map { dataset, source in
            let width =
                try stream.episodes(ofDataset: dataset).first.flatMap { try source.actions($0) }?.first?.count ?? 0
            guard width > 0 else { return nil }
            return ActionProbe(
                actionWidth: width, chunk: ActionTarget.chunk(ofSpan: pairs.smallestSpan(ofDataset: dataset)))
        }
    }

    var isNeeded: Bool { probes.contains { $0 != nil } }

    /// Adds the pairs of a batch that are wanted.
    mutating func add(
        _ batch: FramePairBatch, _ input: EncodedBatch, _ result: LAMModule.BatchResult, on backend: any Backend,
        isWanted: (Int) -> Bool
    ) throws {
        guard isNeeded, batch.samples.contains(where: { isWanted($0.sample) }) else { return }
        let shape = input.patches.shape
        let count = shape[2] * shape[3]
        let latents = backend.floats(result.latents[0].z)
        var patches: [Float] = []
        for (pair, sample) in batch.samples.enumerated() where isWanted(sample.sample) {
            let place = batch.frames[2 * pair]
            guard let probe = probes[place.dataset], let rows = try actions(of: place),
                let target = ActionTarget.values(rows, frame: sample.frame, target: sample.target, chunk: probe.chunk),
                target.count == (2 + probe.chunk) * probe.actionWidth
            else { continue }
            if patches.isEmpty { patches = backend.floats(input.patches) }
            let folds = folds(count)
            let first = patches[2 * count * pair..<2 * count * pair + count]
            let second = patches[2 * count * pair + count..<2 * count * (pair + 1)]
            samples.append(
                (
                    place.dataset,
                    ActionProbe.Sample(
                        order: sample.sample, episode: place.episode,
                        latents: latents[pair * width..<(pair + 1) * width].map(Double.init),
                        frame: folds.frame(first), frameDifferences: folds.difference(second, minus: first),
                        noise: noise(sample.sample), target: target)
                ))
        }
    }

    /// The scores of all datasets that have actions, the same on all ranks.
    func scores(over group: any ProcessGroup) throws -> [(dataset: String, scores: ProbeScores)] {
        var found: [(dataset: String, scores: ProbeScores)] = []
        for (dataset, probe) in probes.enumerated() {
            guard var probe else { continue }
            for sample in try gathered(samples.filter { $0.dataset == dataset }.map(\.sample), over: group) {
                probe.add(sample)
            }
            var generator = RandomGenerator(seed: seed, purpose: "probe intervals", dataset)
            found.append((sources[dataset].name, probe.scores { generator.integer(below: $0) }))
        }
        return found
    }

    /// The samples of all ranks.
    private func gathered(
        _ own: [ActionProbe.Sample], over group: any ProcessGroup
    ) throws -> [ActionProbe.Sample] {
        guard group.size > 1 else { return own }
        // The numbers of a row, of which a rank without samples knows nothing.
        let sizes = own.first.map { [width, $0.frame.count, $0.frameDifferences.count, $0.target.count] } ?? []
        let known = try group.allGather(sizes.map(Double.init), for: "probe sizes").first { !$0.isEmpty } ?? []
        guard !known.isEmpty else { return [] }
        func row(_ sample: ActionProbe.Sample) -> RankMessage {
            var message = RankMessage()
            message.append("pair", [Double(sample.order), Double(sample.episode)])
            message.append("latents", sample.latents)
            message.append("frame", sample.frame)
            message.append("differences", sample.frameDifferences)
            message.append("target", sample.target)
            return message
        }
        func zeros(_ place: Int) -> [Double] { [Double](repeating: 0, count: Int(known[place])) }
        let none = ActionProbe.Sample(
            order: 0, episode: 0, latents: zeros(0), frame: zeros(1), frameDifferences: zeros(2), noise: [],
            target: zeros(3))
        return try group.allGather(rows: own.map(row), like: row(none), for: "action probe").flatMap { $0 }.map {
            let order = Int($0["pair"][0])
            return ActionProbe.Sample(
                order: order, episode: Int($0["pair"][1]), latents: $0["latents"], frame: $0["frame"],
                frameDifferences: $0["differences"], noise: noise(order), target: $0["target"])
        }
    }

    private func noise(_ sample: Int) -> [Double] {
        var generator = RandomGenerator(seed: seed, purpose: "probe noise", sample)
        return (0..<width).map { _ in generator.normal() }
    }

    private mutating func folds(_ count: Int) -> (frame: RandomFold, difference: RandomFold) {
        if let folds, folds.frame.inputs == count { return folds }
        let made = (
            frame: RandomFold(inputs: count, outputs: max(width, Self.frameWidth), seed: seed),
            difference: RandomFold(inputs: count, outputs: width, seed: seed)
        )
        folds = made
        return made
    }

    private mutating func actions(of place: FrameReference) throws -> [[Double]]? {
        let episode = [place.dataset, place.episode]
        if actions.episode != episode {
            actions = (episode, try sources[place.dataset].actions(place.episode))
        }
        return actions.rows
    }
}
