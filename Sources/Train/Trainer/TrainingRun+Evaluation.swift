import Configuration
import Formats
import LAM
import LAMData
import LatentEvaluation

extension TrainingRun {
    /// Batches of the summary's evaluation where nothing is held out.
    private static let summaryBatches = 16

    /// Whether the run only tries whether everything works.
    var isTrial: Bool { configuration.trainer.fastDevRun.isOn }

    /// How much of the held-out split a validation looks at.
    var validationLimit: BatchLimit {
        isTrial ? .batches(configuration.trainer.fastDevRun.batches) : configuration.trainer.limitValBatches
    }

    /// Evaluates on held-out episodes, with averaged weights where there are such.
    ///
    /// - Parameter say: takes lines on how far it is, where it takes long.
    func evaluate(limit: BatchLimit, say: (String) -> Void = { _ in }) throws -> Evaluation {
        let pairs = try pairs(.val, limit: limit), stream = try pairs.stream()
        var work = WorkProgress("evaluating", total: pairs.count, of: "held-out pairs")
        func evaluate() throws -> Evaluation {
            try Evaluation.run(module, encoder: batchEncoder, stream: stream, group: group) { batch, _, _ in
                work.add(batch.samples.count * group.size).map(say)
            }
        }
        return try averaging?.apply(evaluate) ?? evaluate()
    }

    /// Evaluates for the end of a run, and draws sheets where features are pictures: what codes stand for, or which pairs
    /// have neighbouring latents.
    ///
    /// - Parameters:
    ///   - unproven: codes that do not count as used.
    ///   - say: takes lines on how far it is, where it takes long.
    func evaluateForSummary(
        into summary: inout FitSummary, unproven: Set<Int>, say: (String) -> Void
    ) throws -> [(name: String, image: PNGImage)] {
        let pairs = try pairs(
            hasValidation ? .val : .all,
            limit: hasValidation || isTrial ? validationLimit : .batches(Self.summaryBatches))
        // `limit_val_batches: 0` asks for none.
        guard pairs.count > 0 else { return [] }
        let encoder = module.model.predictsFeatures ? encoders.vision as? PixelEncoder : nil,
            resolution = streamOptions.resolution
        let codes = module.model.action.bottleneck.codeCount
        var codeSheets = encoder.flatMap { encoder in
            codes.map { ContactSheets(encoder: encoder, resolution: resolution, codes: $0) }
        }
        var neighbours = codes == nil ? encoder.map { NeighbourSheets(encoder: $0, resolution: resolution) } : nil
        let evaluator = ModelEvaluator(
            module: module, encoders: encoders, encoder: batchEncoder, pairs: pairs, group: group)
        var work = WorkProgress(
            "evaluating the model for the summary", total: pairs.count, of: hasValidation ? "held-out pairs" : "pairs")
        var findings = try evaluator.run { batch, _, result in
            work.add(batch.samples.count * group.size).map(say)
            guard encoder != nil else { return }
            let backend = module.backend, recon = backend.floats(result.recon)
            if let codes = result.codes[0] { codeSheets?.add(batch, indices: codes, recon: recon) }
            neighbours?.add(batch, latents: backend.floats(result.latents[0].z), recon: recon)
        }
        findings.evaluation.unproven = unproven
        summary.report = EvaluationReport(
            phase: hasValidation ? .val : .train, checkpoint: summary.checkpoint ?? "", step: summary.steps,
            isHeldOut: hasValidation, findings)
        if hasValidation {
            summary.reference = reference(share: findings.evaluation.errorShare, steps: summary.steps)
        }
        return (codeSheets?.sheets() ?? []) + (neighbours?.sheets() ?? [])
    }

    /// Where the run lies among reference runs of the nearest configuration.
    private func reference(share: Double, steps: Int) -> String? {
        let band = ReferenceBand.nearest(
            visionEncoder: configuration.model.visionEncoder.rawValue, parameters: module.store.trainableCount)
        return band?.words(share: share, pairs: steps * globalBatch * configuration.trainer.accumulateGradBatches)
    }

    private func pairs(_ split: EpisodeSplit, limit: BatchLimit) throws -> EvaluationPairs {
        try EvaluationPairs(sources, streamOptions, split: split, limit: limit, group: group, features: features)
    }
}
