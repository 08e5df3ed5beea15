import Collectives
import Configuration
import Formats
import LAM
import LAMData
import Loggers
import Reports

/// Watches a run: keeps its values, logs them, says how it goes, and notices when a watched value no longer gets better.
///
/// All ranks have the same values, so all come to the same conclusions; rank 0 prints and logs.
final class RunMonitor {
    private let configuration: LAMConfiguration
    private let group: any ProcessGroup
    private let reducer: GradientReducer?
    private let logger: LoggerGroup
    private let hasValidation: Bool
    /// What the run's health is judged by.
    private let action: LatentPart
    private let trainingTags: [String]
    private let monitorsLearningRate: Bool
    private let write: (String) -> Void
    private var reporter: ProgressReporter
    /// Bytes of a checkpoint, about; nil of a run that keeps none.
    private let checkpointBytes: Int?
    private var hasForecast = false
    /// Last values by bare tag, for `monitor` and file names.
    private(set) var metrics: [String: Double] = [:]
    private(set) var earlyStoppings: [EarlyStopping]
    private(set) var isStoppedEarly = false
    /// Communication up to the last logged step.
    private var loggedCommunication = (step: 0, seconds: 0.0, exposed: 0.0)

    init(_ run: TrainingRun, limits: RunLimits, environment: TrainerEnvironment) {
        configuration = run.configuration
        (group, reducer, logger, hasValidation) = (run.group, run.reducer, run.logger, run.hasValidation)
        action = run.module.model.action
        trainingTags = MetricTag.tags(of: run.module.model, .train)
        let callbacks = run.configuration.trainer.callbacks
        monitorsLearningRate = callbacks.callbacks.contains {
            if case .learningRateMonitor = $0 { true } else { false }
        }
        checkpointBytes = run.checkpoints.isEmpty ? nil : run.checkpointBytes
        write = environment.write
        reporter = ProgressReporter(
            style: environment.progressStyle, totalSteps: limits.totalSteps, secondsLimit: limits.maxSeconds,
            peakSamplesPerSecond: environment.progressStyle.showsProgress ? run.peakSamplesPerSecond : nil,
            write: environment.write)
        earlyStoppings = callbacks.earlyStoppings.map { EarlyStopping($0) }
        if let saved = run.resumed?.earlyStoppings {
            for place in earlyStoppings.indices { earlyStoppings[place].restore(saved) }
        }
    }

    // MARK: Steps

    /// Takes the values of the batches of a step, counted from 1.
    func add(_ report: StepReport, ofStep step: Int, to progress: inout TrainingProgress) {
        for batch in report.batches {
            let values = MetricTag.values(of: batch, .train)
            progress.add(values)
            progress.updateHealth(of: action) { $0.add(batch, step: step) }
            progress.firstLoss = progress.firstLoss ?? batch.losses.total / batch.samples
            for (tag, value) in values { metrics[tag] = value }
        }
    }

    /// Logs the step that `progress` has counted last.
    func log(
        _ report: StepReport, norms: TrainingStep.GradientNorms, learningRate: Double, at progress: TrainingProgress
    ) throws {
        var line = report.batches.last.map { MetricTag.values(of: $0, .train) } ?? []
        line = line.map { (MetricTag.step($0.tag), $0.value) }
        line.append((MetricTag.gradientNorm, norms.whole))
        line += norms.parts.map { (MetricTag.blockNorm($0.part), $0.norm) }
        line += report.activations.rootMeanSquares.map { (MetricTag.activationRMS($0.part), $0.value) }
        let codes = report.actionCodes
        if let codes { line += codeHealth(codes, at: progress) }
        if monitorsLearningRate { line.append((MetricTag.learningRate, learningRate)) }
        line.append((MetricTag.epoch, Double(progress.epoch)))
        if configuration.data.stream.onBadSample == .skip {
            line.append((MetricTag.skippedSamples, Double(report.skippedSamples)))
        }
        line += reporter.throughput
        line += communication(atStep: progress.globalStep)
        try logger.log(step: progress.loggedStep, values: line)
        if let codes {
            try logger.histogram(step: progress.loggedStep, tag: MetricTag.codeUses, counts: codes.counts)
        }
    }

    private func codeHealth(_ uses: CodeHistogram, at progress: TrainingProgress) -> [(tag: String, value: Double)] {
        let health = progress.health ?? HealthRecord(of: action)
        let ages = health.ages(atStep: progress.globalStep)
        return [
            (MetricTag.step(MetricTag.perplexity(.train)), uses.perplexity),
            (MetricTag.deadCodes, Double(ages.count { $0 >= configuration.model.restartEveryNSteps })),
            (MetricTag.oldestCode, Double(ages.max() ?? 0)), (MetricTag.restartedCodes, Double(health.restarts)),
        ]
    }

    /// Milliseconds a step since the last logged one; nothing of a single process.
    private func communication(atStep step: Int) -> [(tag: String, value: Double)] {
        guard let reducer else { return [] }
        let now = (step: step, seconds: group.communicationSeconds, exposed: reducer.exposedSeconds)
        defer { loggedCommunication = now }
        let steps = Double(max(1, now.step - loggedCommunication.step))
        return [
            (MetricTag.communication, 1000 * (now.seconds - loggedCommunication.seconds) / steps),
            (MetricTag.exposedCommunication, 1000 * (now.exposed - loggedCommunication.exposed) / steps),
        ]
    }

    /// Says how the run goes, where it is time to after so many steps.
    func judgeHealth(_ progress: inout TrainingProgress, afterStep step: Int) {
        let interval = configuration.trainer.healthEveryNSteps
        guard interval > 0, step.isMultiple(of: interval) else { return }
        let verdict = progress.updateHealth(of: action) {
            $0.judge(
                step: step, waiting: reporter.waitingShare,
                restartsCodes: configuration.model.restart.isPeriodic)
        }
        for line in [verdict.text] + verdict.warnings { reporter.note(line) }
    }

    /// Counts codes that were restarted.
    func addRestarts(_ codes: [Int], to progress: inout TrainingProgress) {
        progress.updateHealth(of: action) { $0.addRestarts(codes) }
        guard !codes.isEmpty else { return }
        reporter.note("step \(progress.globalStep): restarted \(codes.count) unused codes")
    }

    // MARK: Epochs and validation

    func logEpoch(_ progress: TrainingProgress) throws {
        let means = trainingTags.compactMap { tag in
            progress.epochMean(tag).map { (MetricTag.epoch(tag), $0) }
        }
        try logger.log(step: progress.loggedStep, values: means + [(MetricTag.epoch, Double(progress.epoch))])
    }

    func log(_ evaluation: Evaluation, at progress: TrainingProgress) throws {
        let values = MetricTag.values(of: evaluation, .val)
        for (tag, value) in values { metrics[tag] = value }
        try logger.log(step: progress.loggedStep, values: values)
        reporter.note(
            "step \(progress.globalStep): held-out mse \(evaluation.losses.reconstruction.formatted4), "
                + "\(evaluation.errorShare.formatted4) of the copy baseline"
                + (evaluation.codesInUse.map { ", \($0) codes" } ?? "")
                + (evaluation.unprovenInUse.map { " (\($0))" } ?? "")
                + (evaluation.activeDimensions.map { ", \($0) dimensions active" } ?? ""))
    }

    /// Looks at the watched values, and ends the run where one no longer gets better.
    func stopEarly(afterValidation: Bool, at progress: TrainingProgress) {
        for place in earlyStoppings.indices
        where earlyStoppings[place].isDue(afterValidation: afterValidation, hasValidation: hasValidation) {
            let found = earlyStoppings[place].check(metrics, epoch: progress.epoch)
            for line in [found.better, found.stop].compactMap({ $0 }) {
                reporter.note("step \(progress.globalStep): \(line)")
            }
            if found.stop != nil { isStoppedEarly = true }
        }
    }

    // MARK: The console

    /// What a batch took.
    struct Cost {
        /// The time, and what of it was spent waiting for data.
        let seconds: Double
        let waiting: Double
        /// Over all ranks.
        let samples: Int
    }

    /// Shows a batch's progress.
    ///
    /// - Parameters:
    ///   - loss: of the last batch, over all ranks where they have agreed on it.
    ///   - now: seconds since the run began.
    func show(_ progress: TrainingProgress, loss: Double, _ cost: Cost, now: Double) {
        reporter.update(
            epoch: progress.epoch, step: progress.globalStep, loss: loss, seconds: cost.seconds, waiting: cost.waiting,
            samples: cost.samples, codes: liveCodes(progress), now: now)
        guard !hasForecast else { return }
        hasForecast = true
        let forecast = RunForecast(
            secondsOfStep: cost.seconds, secondsToGo: reporter.secondsToGo,
            residentBytes: StreamBenchmark.peakResidentBytes(), checkpointBytes: checkpointBytes)
        reporter.note(forecast.text)
    }

    /// Codes in use lately, and all; nil where latents are continuous.
    private func liveCodes(_ progress: TrainingProgress) -> (live: Int, all: Int)? {
        guard let health = progress.health, !health.lastUsed.isEmpty else { return nil }
        let recent = configuration.model.restartEveryNSteps
        return (health.liveCodes(atStep: progress.globalStep, recent: recent), health.lastUsed.count)
    }

    func note(_ line: String) { reporter.note(line) }

    /// Prints a line that concerns this rank alone.
    func noteOfRank(_ line: String) {
        if group.isRoot { return reporter.note(line) }
        write("\(group.name(of: group.rank)): \(line)\n".printable)
    }

    /// Ends the display, so that what is printed next starts on a line of its own.
    func finish() { reporter.finish() }
}
