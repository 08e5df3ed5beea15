import LAMData
import LAMTrain
import Reports

/// What `lam validate` and `lam test` do: a model from a checkpoint on held-out episodes.
///
/// Where the configuration holds none out, all episodes of its mix are looked at, which may be another mix than the one
/// that was trained on.
public final class Evaluator {
    private let model: TrainedModel
    private let phase: MetricTag.Phase

    /// - Throws: `StreamError` where there are no pairs to look at.
    public init(_ model: TrainedModel, phase: MetricTag.Phase, note: (String) -> Void) throws {
        (self.model, self.phase) = (model, phase)
        let options = model.configuration.data.stream
        let isHeldOut = options.valFraction > 0
        let (chosen, total) = try FramePairStream.episodes(
            sources: model.opened.map(\.source), options, split: isHeldOut ? .val : .all)
        let mix = model.opened.map(\.source.name).joined(separator: ", ")
        note(
            isHeldOut
                ? "\(mix): \(chosen) of \(total) episodes, which data.val_fraction \(options.valFraction.formatted4) holds out"
                : "\(mix): all \(total) episodes, as data.val_fraction is 0: held out only if the model was not trained on them"
        )
    }

    /// Looks at all pairs, or at as many batches as the configuration says, spread evenly over the episodes.
    ///
    /// - Parameter say: takes lines on how far it is, where it takes long.
    /// - Returns: the same on all ranks.
    /// - Throws: `StreamError` and `DataError` of the datasets; what the other ranks throw.
    public func run(say: (String) -> Void = { _ in }) throws -> EvaluationReport {
        try EvaluationReport.measure(
            model.module, model.encoders, model.opened, model.configuration, phase: phase,
            checkpoint: model.checkpointPath, step: model.globalStep, unproven: model.unprovenCodes, group: model.group,
            say: say)
    }
}
