import Reports

extension TrainingRun {
    /// What is known of the run's cost before its first step: a line for its start.
    ///
    /// The rate of matrix products is measured, which takes a tenth of a second; no run is faster. `lam estimate` measures
    /// real steps.
    public var costLine: String {
        let trainer = configuration.trainer
        let limits = RunLimits(
            trainer, framesInMix: stream.framesInMix, batchSize: globalBatch, hasValidation: hasValidation)
        let samplesPerStep = Double(globalBatch) * Double(trainer.accumulateGradBatches)
        let checkpoint = "checkpoints of \((Double(checkpointBytes) / Double(1 << 20)).formatted4) MiB"
        let clock = limits.maxSeconds.map { "at most \(ProgressLine.duration($0)) by max_time" }
        guard let total = limits.totalSteps else { return "estimate: \(clock ?? "no end is set"), \(checkpoint)" }
        let left = Double(max(0, total - (resumed?.progress.globalStep ?? 0))) * samplesPerStep
        let least = "at least \(ProgressLine.duration(left / peakSamplesPerSecond)) for \(total) steps"
        return "estimate: " + ([least] + [clock].compactMap { $0 } + [checkpoint]).joined(separator: ", ")
    }
}
