import Formats
import LAM
import LAMData

extension TrainingRun {
    /// Batches of the summary's evaluation where nothing is held out.
    private static let summaryBatches = 16

    /// Whether the run only tries whether everything works.
    var isTrial: Bool { configuration.trainer.fastDevRun.isOn }

    /// Evaluates on held-out episodes, with averaged weights where there are such.
    func evaluate(limit: Int?) throws -> Evaluation {
        let stream = try stream(.val)
        let evaluate = { [self] in
            try Evaluation.run(module, encoder: batchEncoder, stream: stream, limit: limit, group: group)
        }
        return try averaging.map { try $0.apply(evaluate) } ?? evaluate()
    }

    /// Evaluates for the end of a run, and draws sheets where features are pictures: what codes stand for, or which pairs
    /// have neighbouring latents.
    func evaluateForSummary(into summary: inout FitSummary) throws -> [(name: String, image: PNGImage)] {
        let stream = try stream(hasValidation ? .val : .all)
        let encoder = module.model.predictsFeatures ? encoders.vision as? PixelEncoder : nil,
            resolution = streamOptions.resolution
        let codes = module.model.action.bottleneck.codeCount
        var codeSheets = encoder.flatMap { encoder in
            codes.map { ContactSheets(encoder: encoder, resolution: resolution, codes: $0) }
        }
        var neighbours = codes == nil ? encoder.map { NeighbourSheets(encoder: $0, resolution: resolution) } : nil
        summary.isHeldOut = hasValidation
        summary.evaluation = try Evaluation.run(
            module, encoder: batchEncoder, stream: stream,
            limit: isTrial ? configuration.trainer.fastDevRun.batches : hasValidation ? nil : Self.summaryBatches,
            group: group
        ) { batch, _, result in
            guard encoder != nil else { return }
            let backend = module.backend, recon = backend.floats(result.recon)
            if let codes = result.codes[0] { codeSheets?.add(batch, indices: codes, recon: recon) }
            neighbours?.add(batch, latents: backend.floats(result.latents[0].z), recon: recon)
        }
        return (codeSheets?.sheets() ?? []) + (neighbours?.sheets() ?? [])
    }

    /// This rank's share of a finite split.
    private func stream(_ split: EpisodeSplit) throws -> FramePairStream {
        try FramePairStream(
            sources: sources, streamOptions, split: split, rank: group.rank, worldSize: group.size, features: features)
    }
}
