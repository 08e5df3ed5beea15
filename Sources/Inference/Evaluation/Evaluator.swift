import Collectives
import Foundation
import LAM
import LAMData
import LAMTrain
import Randomness
import Tensor

/// What `lam validate` and `lam test` do: a model from a checkpoint on held-out episodes.
///
/// Where the configuration holds none out, all episodes of its mix are looked at, which may be another mix than the one
/// that was trained on.
public final class Evaluator {
    private let model: TrainedModel
    private let phase: MetricTag.Phase
    private let isHeldOut: Bool
    private let features: FeatureCache?
    private let stream: FramePairStream
    private let limit: Int?
    private let seed: UInt64

    /// Sums over this rank's pairs.
    private var psnr = (sum: 0.0, pairs: 0.0)
    private var exchange: LatentExchange
    private var exchanged = (own: 0.0, others: 0.0, pairs: 0.0)
    private var transitions: CodeTransitions?
    /// By dataset; nil where it has no actions.
    private var probes: [ActionProbe?] = []
    /// Numbers of the episodes that are looked at, by dataset and position.
    private var episodeNumbers: [[Int: Int]] = []
    private var actions: (episode: [Int], rows: [[Double]]?) = ([], nil)

    /// - Throws: `StreamError` and `DataError` of the datasets.
    public init(_ model: TrainedModel, phase: MetricTag.Phase, note: (String) -> Void) throws {
        self.model = model
        self.phase = phase
        let options = model.configuration.data.stream
        seed = options.seed
        isHeldOut = options.valFraction > 0
        if !isHeldOut {
            note("data.val_fraction is 0: all episodes of data.dataset_mix, held out only if it is another mix")
        }
        features = try FeatureCache.open(
            for: model.configuration, encoder: model.encoders.vision, sources: model.sources)
        let group = model.group
        stream = try FramePairStream(
            sources: model.sources, options, split: isHeldOut ? .val : .all, rank: group.rank, worldSize: group.size,
            features: features)
        let globalBatch = options.batchSize * group.size
        let trainer = model.configuration.trainer
        limit = (phase == .test ? trainer.limitTestBatches : trainer.limitValBatches).count(
            of: (stream.pairsPerEpoch + globalBatch - 1) / globalBatch)
        let (parts, action) = (model.module.model.latentParts, model.module.model.action)
        exchange = LatentExchange(perPair: parts.reduce(0) { $0 + $1.words }, seed: seed, rank: group.rank)
        if let codes = action.bottleneck.codeCount, codes <= CodeTransitions.largestCodes {
            transitions = CodeTransitions(codes: codes)
        }
        for (dataset, source) in model.sources.enumerated() {
            let episodes = stream.episodes(ofDataset: dataset)
            episodeNumbers.append(
                Dictionary(uniqueKeysWithValues: episodes.enumerated().map { ($1, $0) }))
            let width = try episodes.first.flatMap { try source.actions($0) }?.first?.count ?? 0
            probes.append(
                width == 0 ? nil : ActionProbe(width: action.width, actionWidth: width, episodes: episodes.count))
        }
    }

    /// Looks at all pairs.
    ///
    /// - Returns: the same on all ranks.
    /// - Throws: what the data or the other ranks throw.
    public func run() throws -> EvaluationReport {
        let evaluation = try Evaluation.run(
            model.module, encoder: model.encoder(features, readsStates: true), stream: stream, limit: limit,
            group: model.group
        ) { batch, input, result in
            addPSNR(batch, result)
            addTransitions(batch, result)
            try addExchange(batch, input, result)
            try addActions(batch, input, result)
        }
        let sums = try model.group.sum(message, for: "evaluation")
        var report = EvaluationReport(
            phase: phase, checkpoint: model.checkpointPath, step: model.globalStep, isHeldOut: isHeldOut,
            evaluation: evaluation)
        let pictures = sums.number("pictures"), exchanges = sums.number("exchanges")
        if pictures > 0 { report.psnr = sums.number("psnr") / pictures }
        if exchanges > 0 {
            report.exchange = .init(
                ownLoss: sums.number("own codes") / exchanges, exchangedLoss: sums.number("exchanged codes") / exchanges
            )
        }
        if var transitions {
            transitions.replaceCounts(try model.group.sum(transitions.counts, for: "code transitions"))
            report.transitions = transitions
        }
        for (dataset, probe) in probes.enumerated() {
            guard var probe else { continue }
            let all = try model.group.allGather(probe.values, sameCount: true, for: "action probe")
            for (rank, values) in all.enumerated() where rank != model.group.rank {
                probe.add(values)
            }
            report.probes.append(
                .init(dataset: model.sources[dataset].name, episodes: episodeNumbers[dataset].count, probe))
        }
        return report
    }

    /// What this rank tells the others of its pairs.
    private var message: RankMessage {
        var message = RankMessage()
        message.append("psnr", psnr.sum)
        message.append("pictures", psnr.pairs)
        message.append("own codes", exchanged.own)
        message.append("exchanged codes", exchanged.others)
        message.append("exchanges", exchanged.pairs)
        return message
    }

    private func addPSNR(_ batch: FramePairBatch, _ result: LAMModule.BatchResult) {
        guard let encoder = model.encoders.vision as? PixelEncoder, model.module.model.predictsFeatures else { return }
        let size = batch.resolution, plane = size * size
        let recon = model.module.backend.floats(result.recon)
        for sample in batch.samples.indices {
            let picture = encoder.image(
                Array(recon[3 * plane * sample..<3 * plane * (sample + 1)]), height: size, width: size)
            let target = 3 * plane * (2 * sample + 1)
            var error = 0.0
            for place in 0..<plane {
                for channel in 0..<3 {
                    let difference =
                        Double(picture[3 * place + channel]) - Double(batch.pixels[target + channel * plane + place])
                    error += difference * difference
                }
            }
            // A perfect picture has no finite value; half a step of one value in one picture stands for it.
            let mean = max(error, 0.25) / Double(3 * plane)
            psnr.sum += 10 * log10(255 * 255 / mean)
            psnr.pairs += 1
        }
    }

    /// Counts neighbouring pairs. A rank sees only the neighbours within its own batches.
    private func addTransitions(_ batch: FramePairBatch, _ result: LAMModule.BatchResult) {
        guard let codes = result.codes[0] else { return }
        let perPair = model.module.model.action.perPair
        for (pair, sample) in batch.samples.enumerated() {
            transitions?.add(
                episode: "\(sample.dataset) \(sample.episode)", frame: sample.frame,
                codes: Array(codes[pair * perPair..<(pair + 1) * perPair]))
        }
    }

    /// The loss with other episodes' latents, next to the same pairs' own.
    private func addExchange(
        _ batch: FramePairBatch, _ input: EncodedBatch, _ result: LAMModule.BatchResult
    ) throws {
        let parts = model.module.model.latentParts, pairs = batch.samples.count
        let backend = model.module.backend
        let words = zip(result.codes, result.latents).map { codes, latents in
            codes ?? backend.floats(latents.z).map { Int32(bitPattern: $0.bitPattern) }
        }
        let own = (0..<pairs).flatMap { pair in
            zip(parts, words).flatMap { part, words in words[pair * part.words..<(pair + 1) * part.words] }
        }
        let names = batch.samples.map { "\($0.dataset) \($0.episode)" }
        guard let others = exchange.exchanged(names, own) else { return }
        let tape = Tape(on: backend, recording: false, autocast: model.module.autocast)
        let perPair = others.count / pairs
        var start = 0
        let latents = parts.map { part in
            defer { start += part.words }
            let taken = (0..<pairs).flatMap { others[$0 * perPair + start..<$0 * perPair + start + part.words] }
            guard part.bottleneck.codeCount == nil else {
                return part.bottleneck.latents(of: backend.tensor(taken, [pairs, part.perPair]), tape)
            }
            let values = taken.map { Float(bitPattern: UInt32(bitPattern: $0)) }
            return backend.tensor(values, [pairs, part.perPair, part.bottleneck.latentWidth])
        }
        let recon = model.module.model.reconstruction(
            of: input.input(), latents: latents, tape)
        let loss = backend.empty([])
        backend.meanSquaredError(recon, result.target, into: loss)
        exchanged.own += ownError(result)
        exchanged.others += Double(backend.floats(loss)[0]) * Double(pairs)
        exchanged.pairs += Double(pairs)
    }

    /// Mean squared error of the pairs' own predictions times their number: the reconstruction's loss where it is that.
    private func ownError(_ result: LAMModule.BatchResult) -> Double {
        guard !model.module.model.predictsFeatures else { return result.statistics.losses.reconstruction }
        let backend = model.module.backend
        let loss = backend.empty([])
        backend.meanSquaredError(result.recon, result.target, into: loss)
        return Double(backend.floats(loss)[0]) * result.statistics.samples
    }

    private func addActions(
        _ batch: FramePairBatch, _ input: EncodedBatch, _ result: LAMModule.BatchResult
    ) throws {
        guard probes.contains(where: { $0 != nil }) else { return }
        let shape = input.patches.shape
        let count = shape[2] * shape[3], width = model.module.model.action.width
        let latents = model.module.backend.floats(result.latents[0].z)
        var patches: [Float] = []
        for (pair, sample) in batch.samples.enumerated() {
            let place = batch.frames[2 * pair]
            guard let number = episodeNumbers[place.dataset][place.episode],
                let actionWidth = probes[place.dataset]?.actionWidth,
                let rows = try actions(of: place), rows.first?.count == actionWidth,
                let target = ActionProbe.target(rows, frame: sample.frame, target: sample.target)
            else { continue }
            if patches.isEmpty { patches = model.module.backend.floats(input.patches) }
            let first = 2 * count * pair
            let differences = (0..<count).map { Double(patches[first + count + $0]) - Double(patches[first + $0]) }
            let own = latents[pair * width..<(pair + 1) * width].map(Double.init)
            var generator = RandomGenerator(seed: seed, purpose: "probe noise", sample.sample)
            let noise = (0..<width).map { _ in generator.normal() }
            probes[place.dataset]?.add(
                episode: number, sources: [own, ActionProbe.folded(differences, to: width, seed: seed), noise],
                target: target)
        }
    }

    private func actions(of place: FrameReference) throws -> [[Double]]? {
        let episode = [place.dataset, place.episode]
        if actions.episode != episode {
            actions = (episode, try model.sources[place.dataset].actions(place.episode))
        }
        return actions.rows
    }
}

extension LatentPart {
    /// 32-bit words that tell the latents of a pair: codes where there are codes, else values.
    fileprivate var words: Int { bottleneck.codeCount == nil ? width : perPair }
}
