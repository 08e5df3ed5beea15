import Configuration
import Formats
import LAM
import LAMData

extension TrainingRun {
    /// Batches of the summary's evaluation where nothing is held out.
    private static let summaryBatches = 16

    /// Evaluates on held-out episodes, with averaged weights where there are such.
    func evaluate(limit: BatchLimit) throws -> Evaluation {
        let stream = try pairs(.val, limit: limit).stream()
        let evaluate = { [self] in try Evaluation.run(module, encoder: batchEncoder, stream: stream, group: group) }
        return try averaging.map { try $0.apply(evaluate) } ?? evaluate()
    }

    /// Evaluates for the end of a run, and draws sheets where features are pictures: what codes stand for, or which pairs
    /// have neighbouring latents.
    func evaluateForSummary(into summary: inout FitSummary) throws -> [(name: String, image: PNGImage)] {
        let pairs = try pairs(
            hasValidation ? .val : .all,
            limit: hasValidation ? configuration.trainer.limitValBatches : .batches(Self.summaryBatches))
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
        let findings = try evaluator.run { batch, _, result in
            guard encoder != nil else { return }
            let backend = module.backend, recon = backend.floats(result.recon)
            if let codes = result.codes[0] { codeSheets?.add(batch, indices: codes, recon: recon) }
            neighbours?.add(batch, latents: backend.floats(result.latents[0].z), recon: recon)
        }
        summary.report = EvaluationReport(
            phase: hasValidation ? .val : .train, checkpoint: summary.checkpoint ?? "", step: summary.steps,
            isHeldOut: hasValidation, findings)
        return (codeSheets?.sheets() ?? []) + (neighbours?.sheets() ?? [])
    }

    private func pairs(_ split: EpisodeSplit, limit: BatchLimit) throws -> EvaluationPairs {
        try EvaluationPairs(sources, streamOptions, split: split, limit: limit, group: group, features: features)
    }
}
