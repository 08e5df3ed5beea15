import Collectives
import Configuration
import LAMData

extension EvaluationReport {
    /// Measures a model on the episodes that a configuration holds out, or on all of its mix where it holds none out.
    ///
    /// - Parameters:
    ///   - checkpoint: where the model is from, and `step` its optimiser step.
    ///   - phase: `test` is bounded by `limit_test_batches`, all else by `limit_val_batches`.
    ///   - unproven: codes that do not count as used.
    ///   - say: takes lines on how far it is, where it takes long.
    /// - Returns: the same on all ranks.
    /// - Throws: `StreamError` and `DataError` of the datasets; what the other ranks throw.
    package static func measure(
        _ module: LAMModule, _ encoders: FrozenEncoders, _ opened: [OpenedSource], _ configuration: LAMConfiguration,
        phase: MetricTag.Phase, checkpoint: String, step: Int, unproven: Set<Int>,
        group: any ProcessGroup, say: (String) -> Void
    ) throws -> EvaluationReport {
        let sources = opened.map(\.source), options = configuration.data.stream(for: configuration.model)
        let features = try FeatureCache.open(for: configuration, encoder: encoders.vision, sources: sources)
        let isHeldOut = options.valFraction > 0
        let trainer = configuration.trainer
        let pairs = try EvaluationPairs(
            sources, options, split: isHeldOut ? .val : .all,
            limit: phase == .test ? trainer.limitTestBatches : trainer.limitValBatches, group: group, features: features
        )
        let encoder = BatchEncoder(
            encoders, on: module.backend, cache: features,
            states: try RobotStateReader(opened, configuration.model, on: module.backend))
        var work = WorkProgress("evaluating", total: pairs.count, of: isHeldOut ? "held-out pairs" : "pairs")
        var findings = try ModelEvaluator(
            module: module, encoders: encoders, encoder: encoder, pairs: pairs, group: group
        ).run { batch, _, _ in work.add(batch.samples.count * group.size).map(say) }
        findings.evaluation.unproven = unproven
        return EvaluationReport(
            phase: phase, checkpoint: checkpoint, step: step, isHeldOut: isHeldOut, findings)
    }
}
