import Checkpoints
import Collectives
import Configuration
import LAM
import LAMData

/// Writes a run's checkpoints when they are due, on rank 0, with what the other ranks have of the optimiser's state.
final class CheckpointWriter {
    private let run: TrainingRun
    private let limits: RunLimits
    private let step: TrainingStep
    private let monitor: RunMonitor
    /// The newest checkpoint of the run.
    private(set) var lastPath: String?
    /// The optimiser's state of all ranks while a checkpoint is written, where each has a part.
    private var moments: WholeMoments?

    init(_ run: TrainingRun, limits: RunLimits, step: TrainingStep, monitor: RunMonitor) {
        (self.run, self.limits, self.step, self.monitor) = (run, limits, step, monitor)
        for callback in run.checkpoints { callback.restore(run.resumed?.callbacks ?? []) }
    }

    /// Saves for the callbacks whose time has come; all ranks call it together.
    func save(_ progress: TrainingProgress, where isDue: (ModelCheckpoint) -> Bool) throws {
        let due = run.checkpoints.filter(isDue)
        guard !due.isEmpty else { return }
        try prepare()
        defer { moments = nil }
        for callback in due where run.group.isRoot {
            let path = try callback.save(
                epoch: progress.lightningEpoch, step: progress.globalStep, metrics: monitor.metrics,
                known: run.knownMetrics
            ) { try write(progress, to: $0, weightsOnly: callback.configuration.saveWeightsOnly) }
            if let notice = callback.takeNotice() { monitor.note(notice) }
            guard let path else { continue }
            lastPath = path
            if callback.configuration.verbose { monitor.note("step \(progress.globalStep): saved \(path)") }
        }
    }

    /// Saves at the end of a run; all ranks call it together.
    ///
    /// - Parameter isInterrupted: whether a signal has ended it, so that it has to go on from here.
    func saveFinal(_ progress: TrainingProgress, isInterrupted: Bool) throws {
        try prepare()
        defer { moments = nil }
        for callback in run.checkpoints where run.group.isRoot {
            try callback.saveFinal(step: progress.globalStep, isInterrupted: isInterrupted) {
                try write(progress, to: $0, weightsOnly: !isInterrupted && callback.configuration.saveWeightsOnly)
            }
            if let notice = callback.takeNotice() { monitor.note(notice) }
            lastPath = callback.state.lastModelPath.isEmpty ? lastPath : callback.state.lastModelPath
        }
    }

    /// What all ranks do before rank 0 writes a checkpoint.
    private func prepare() throws {
        guard run.group.size > 1, !run.checkpoints.isEmpty else { return }
        try run.requireSameParameters()
        moments = try run.reducer?.gatherMoments(run.module.optimizer)
    }

    private func write(_ progress: TrainingProgress, to path: String, weightsOnly: Bool) throws {
        // A step may ruin the weights after its own loss was fine; these must not take the place of good ones.
        if let batch = step.lastBatch {
            let result = try run.module.validationStep(batch.input())
            try TrainerError.requireFinite(
                "loss", Double(result.loss), step: progress.globalStep, checkpoint: lastPath)
        }
        var checkpoint = checkpoint(progress, weightsOnly: weightsOnly)
        if weightsOnly {
            run.averaging?.putAverage(in: &checkpoint)
        } else {
            run.averaging?.add(to: &checkpoint)
            try checkpoint.setTrainingState(
                progress: progress, stream: run.stream.state, seed: run.seed, encoders: run.encoders.fingerprints)
        }
        try checkpoint.write(to: path)
    }

    private func checkpoint(_ progress: TrainingProgress, weightsOnly: Bool) -> LightningCheckpoint {
        let model = run.configuration.model
        var checkpoint = run.module.checkpoint(
            epoch: progress.lightningEpoch, globalStep: progress.globalStep,
            learningRate: run.learningRate(atStep: progress.loggedStep, of: limits.totalSteps),
            hasSchedule: model.learningRateSchedule != LearningRateSchedule(), moments: moments,
            frozen: run.encoders.checkpointed)
        checkpoint.loops = LightningProgress(progress, limits).pickle
        checkpoint.hyperParameters = .init(values: model.hyperParameters.pickle)
        checkpoint.dataHyperParameters = .init(values: run.configuration.data.hyperParameters.pickle)
        guard !weightsOnly else {
            checkpoint.optimizers = []
            checkpoint.trainer = nil
            return checkpoint
        }
        for callback in run.checkpoints {
            checkpoint.callbacks[.string(callback.state.key)] = callback.state.pickle
        }
        for stopping in monitor.earlyStoppings {
            checkpoint.callbacks[.string(stopping.state.key)] = stopping.state.pickle
        }
        return checkpoint
    }
}

extension LightningProgress {
    /// The counters as Lightning has them: between two epochs it still counts the one that has ended.
    fileprivate init(_ progress: TrainingProgress, _ limits: RunLimits) {
        let isBetween = progress.isBetweenEpochs
        self.init(
            epoch: progress.lightningEpoch, batches: progress.batches,
            batchesInEpoch: isBetween ? limits.batchesPerEpoch : progress.batchesInEpoch,
            optimizerSteps: progress.globalStep,
            optimizerStepsInEpoch: isBetween ? limits.stepsPerEpoch : progress.stepsInEpoch,
            isLastBatch: isBetween || progress.batchesInEpoch >= limits.batchesPerEpoch, isEpochEnd: isBetween)
    }
}
