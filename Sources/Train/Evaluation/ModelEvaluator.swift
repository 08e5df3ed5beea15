import Collectives
import LAM
import LAMData
import LatentEvaluation
import Tensor

/// What a model does on pairs: losses and use of codes of all of them; of some also what becomes of exchanged latents, how far
/// actions can be read off the latents, and whether these add up.
///
/// Memory does not grow with pairs: of sums nothing but sums is kept, and of probed pairs a bounded number.
struct ModelEvaluator {
    let module: LAMModule
    let encoders: FrozenEncoders
    let encoder: BatchEncoder
    let pairs: EvaluationPairs
    let group: any ProcessGroup

    /// What was found, the same on all ranks.
    struct Findings {
        var evaluation: Evaluation
        /// Pairs of the split, of which `evaluation.samples` were looked at.
        var total: Int
        /// Decibels, where features are pixels.
        var psnr: Double?
        var controls: ControlSums?
        var relations: LatentRelations?
        /// Of each dataset that has actions.
        var probes: [(dataset: String, scores: ProbeScores)] = []
        /// Nil where there are too many codes for a table, and of continuous latents.
        var transitions: CodeTransitions?
    }

    /// - Parameter visit: sees each batch of this rank, what the model read of it, and the result.
    /// - Throws: what the data or the other ranks throw.
    func run(
        visit: (_ batch: FramePairBatch, _ input: EncodedBatch, _ result: LAMModule.BatchResult) throws -> Void = {
            _, _, _ in
        }
    ) throws -> Findings {
        let backend = module.backend, action = module.model.action
        let stream = try pairs.stream()
        let controlled = Set(EvenDraw.places(ControlPass.pairs, of: pairs.count, seed: pairs.seed))
        let probed = Set(EvenDraw.places(ProbeCollector.pairs, of: pairs.count, seed: pairs.seed))
        var collector = try ProbeCollector(pairs, stream: stream, action: action)
        var bank = LatentBank(module.model.latentParts, channels: encoders.vision.featureWidth)
        var psnr = PicturePSNR()
        let pixels = module.model.predictsFeatures ? encoders.vision as? PixelEncoder : nil
        var transitions = action.bottleneck.codeCount.flatMap {
            $0 <= CodeTransitions.largestCodes ? CodeTransitions(codes: $0) : nil
        }
        let evaluation = try Evaluation.run(module, encoder: encoder, stream: stream, group: group) {
            batch, input, result in
            if let pixels { psnr.add(batch, recon: backend.floats(result.recon), pixels) }
            transitions?.add(batch, result.codes[0] ?? [], perPair: action.perPair)
            bank.add(batch, result, on: backend) { controlled.contains($0) }
            try collector.add(batch, input, result, on: backend) { probed.contains($0) }
            try visit(batch, input, result)
        }

        var findings = Findings(evaluation: evaluation, total: pairs.total)
        let pictures = try group.sum([psnr.sum, psnr.pairs], for: "psnr")
        if pictures[1] > 0 { findings.psnr = pictures[0] / pictures[1] }
        if var transitions {
            transitions.replaceCounts(try group.sum(transitions.counts, for: "code transitions"))
            findings.transitions = transitions
        }
        let pass = ControlPass(module: module, encoder: encoder, pairs: pairs, group: group)
        let gathered = try bank.gathered(over: group)
        findings.controls = try pass.controls(gathered)
        findings.relations = try pass.relations(gathered.pairs.map(\.sample))
        findings.probes = try collector.scores(over: group)
        return findings
    }
}

extension CodeTransitions {
    /// Counts neighbouring pairs. A rank sees only the neighbours within its own batches.
    fileprivate mutating func add(_ batch: FramePairBatch, _ codes: [Int32], perPair: Int) {
        for (pair, sample) in batch.samples.enumerated() where codes.count >= (pair + 1) * perPair {
            add(
                episode: "\(sample.dataset) \(sample.episode)", frame: sample.frame,
                codes: Array(codes[pair * perPair..<(pair + 1) * perPair]))
        }
    }
}
