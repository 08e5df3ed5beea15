import Collectives
import Formats
import Foundation
import LAM
import LAMData
import NN
import Randomness
import Tensor

/// What a trainer needs from the program around it.
public struct TrainerEnvironment {
    /// Takes text for the console.
    public var write: (String) -> Void
    public var progressStyle: ProgressStyle
    /// The signal that asks the run to end, once there is one.
    public var interruption: () -> Int32?

    public init(
        write: @escaping (String) -> Void, progressStyle: ProgressStyle, interruption: @escaping () -> Int32? = { nil }
    ) {
        self.write = write
        self.progressStyle = progressStyle
        self.interruption = interruption
    }
}

/// The training loop, in Lightning's vocabulary: epochs of batches, optimiser steps, callbacks, loggers.
///
/// Everything that a later step depends on is in the checkpoint, and everything random is drawn from (seed, purpose,
/// step): stopping and resuming at any step gives the same bits as not stopping.
public final class Trainer {
    private let configuration: LAMConfiguration
    private let parts: TrainingParts
    private let environment: TrainerEnvironment
    private let limits: RunLimits
    private let started = ContinuousClock.now

    private var progress = TrainingProgress()
    private var reporter: ProgressReporter
    /// Last values by bare tag, for `monitor` and file names.
    private var metrics: [String: Double] = [:]
    private var lastCheckpoint: String?
    /// The last batch ended in an optimiser step.
    private var hasJustStepped = false
    private var lastBatch: EncodedBatch?
    private var firstHeldOut: Evaluation?
    /// Batches since the last optimiser step, and what the quantisers had counted then.
    private var pending: [BatchStatistics] = []
    private var codeUsesAtStep: [Double]
    /// What the last step's report says, the same on all ranks: the run's seconds and a signal to end.
    private var agreedSeconds = 0.0
    private var agreedSignal: Int32?
    /// The optimiser's state of all ranks while a checkpoint is written, where each has a part.
    private var moments: WholeMoments?
    private var health: HealthRecord {
        get { progress.health ?? HealthRecord(codes: parts.module.model.quantizer.codeCount) }
        set { progress.health = newValue }
    }
    private let blockNorms: BlockNorms
    private var earlyStoppings: [EarlyStopping]
    private var isStoppedEarly = false
    /// Communication up to the last logged step.
    private var loggedCommunication = (step: 0, seconds: 0.0, exposed: 0.0)

    public init(_ configuration: LAMConfiguration, parts: TrainingParts, environment: TrainerEnvironment) {
        self.configuration = configuration
        self.parts = parts
        self.environment = environment
        limits = RunLimits(
            configuration.trainer, framesInMix: parts.stream.framesInMix,
            batchSize: parts.globalBatch, hasValidation: parts.hasValidation)
        reporter = ProgressReporter(
            style: environment.progressStyle, totalSteps: limits.totalSteps,
            peakSamplesPerSecond: environment.progressStyle == .silent ? nil : parts.peakSamplesPerSecond,
            write: environment.write)
        codeUsesAtStep = parts.module.codeUses
        blockNorms = BlockNorms(parts.module.store)
        earlyStoppings = configuration.trainer.callbacks.earlyStoppings.map { EarlyStopping($0) }
        if let checkpoint = parts.resumedFrom {
            progress = checkpoint.progress
            // It says how the run went and decides nothing, so a damaged one may as well begin anew.
            let codes = parts.module.model.quantizer.codeCount
            if progress.health?.isSane(codes: codes, step: progress.globalStep) == false { progress.health = nil }
            for callback in parts.checkpoints { callback.restore(checkpoint.callbacks) }
            for place in earlyStoppings.indices { earlyStoppings[place].restore(checkpoint.earlyStoppings) }
        }
    }

    /// Trains until a limit is reached or a signal arrives.
    ///
    /// - Throws: `TrainerError`, and what the data, the disk or the loggers throw. The last checkpoint stays whole.
    public func fit() throws -> FitSummary {
        try requireSameStart()
        for stopping in earlyStoppings { try stopping.requireKnown(knownMetrics) }
        if parts.hasValidation, configuration.trainer.numSanityValSteps != 0, parts.resumedFrom == nil {
            let steps = configuration.trainer.numSanityValSteps
            _ = try parts.evaluate(limit: steps < 0 ? nil : steps)
        }
        while agreedSignal == nil, !isStoppedEarly, !limits.isRunOver(progress, seconds: agreedSeconds) {
            try runEpoch()
        }
        let signal = agreedSignal
        reporter.finish()
        try prepareCheckpoint()
        for callback in parts.checkpoints where parts.group.isRoot {
            try callback.saveFinal(step: progress.globalStep, isInterrupted: signal != nil) {
                try writeCheckpoint(to: $0, weightsOnly: signal == nil && callback.configuration.saveWeightsOnly)
            }
            lastCheckpoint = callback.state.lastModelPath.isEmpty ? lastCheckpoint : callback.state.lastModelPath
        }
        parts.averaging?.adopt()
        return try summarize(signal: signal)
    }

    // MARK: Epochs

    /// Trains to the end of the epoch, or of the run.
    private func runEpoch() throws {
        while progress.batchesInEpoch < limits.batchesPerEpoch {
            do {
                hasJustStepped = try runBatch()
            } catch {
                // A wait for the hub that a signal has ended. Only between two steps is there a state to go on from, and
                // only a single process knows that it is between them.
                guard hasJustStepped, parts.group.size == 1, error.isHubCancellation,
                    let signal = environment.interruption()
                else { throw error }
                agreedSignal = signal
                return
            }
            guard hasJustStepped else { continue }
            if agreedSignal != nil { return }
            if isStoppedEarly || limits.isRunOver(progress, seconds: agreedSeconds) { break }
        }
        if progress.batchesInEpoch >= limits.batchesPerEpoch { try endEpoch() }
    }

    /// One batch; true when it ended in an optimiser step.
    private func runBatch() throws -> Bool {
        let start = ContinuousClock.now
        let waited = parts.stream.waitedSeconds
        guard let batch = try parts.stream.next() else {
            preconditionFailure("the training stream is endless")
        }
        for skipped in batch.skipped { noteOfRank("\(skipped)") }
        let module = parts.module
        let input = try parts.batchEncoder(batch)
        lastBatch = input
        progress.countBatch()
        let isStep = limits.isStepDue(progress)
        // Batches before the last one of a step only add to the gradients; nothing is sent.
        if isStep { parts.reducer?.begin() }
        let isLogged = isStep && (progress.globalStep + 1).isMultiple(of: configuration.trainer.logEveryNSteps)
        var activations = ActivationNorms()
        let (_, result) = module.trainingStep(
            input.patches, language: input.language, gradients: isStep ? parts.reducer : nil,
            observer: isLogged ? { activations.add($0, $1, on: module.backend) } : nil, observesBranches: false)
        pending.append(BatchStatistics(result, samples: batch.samples.count))
        var loss = Double(result.loss)
        if isStep { loss = try takeStep(result, activations: activations, isLogged: isLogged) }
        if limits.isValidationDue(progress) { try validate() }
        reporter.update(
            epoch: progress.epoch, step: progress.globalStep, loss: loss,
            seconds: (ContinuousClock.now - start) / .seconds(1), waiting: parts.stream.waitedSeconds - waited,
            samples: batch.samples.count * parts.group.size, now: elapsed)
        return isStep
    }

    /// What the ranks agree on before an optimiser step. Counts its batches; returns the report and the last one's values.
    ///
    /// - Parameter activations: of this rank's last batch, where the step is logged.
    private func agree(_ activations: ActivationNorms) throws -> (
        report: StepReport, values: [(tag: String, value: Double)]
    ) {
        try parts.reducer?.finish()
        let uses = zip(parts.module.codeUses, codeUsesAtStep).map { $0 - $1 }
        let report = try StepReport(
            batches: pending, codeUses: uses, activations: activations, skippedSamples: parts.stream.skippedSamples,
            signal: environment.interruption() ?? 0, seconds: elapsed
        ).reduced(over: parts.group)
        pending = []
        parts.module.codeUses = zip(codeUsesAtStep, report.codeUses).map { $0 + $1 }
        agreedSeconds = report.seconds
        agreedSignal = report.signal == 0 ? nil : report.signal
        var values: [(tag: String, value: Double)] = []
        for batch in report.batches {
            values = MetricTag.values(of: batch, .train)
            try requireFinite("loss", batch.loss)
            progress.add(values)
            health.add(batch, step: progress.globalStep + 1)
            progress.firstLoss = progress.firstLoss ?? batch.loss / batch.samples
        }
        for (tag, value) in values { metrics[tag] = value }
        return (report, values)
    }

    /// One optimiser step; returns the last batch's loss over all ranks.
    private func takeStep(
        _ result: LAMModule.BatchResult, activations: ActivationNorms, isLogged: Bool
    ) throws -> Double {
        let (report, values) = try agree(activations)
        let model = configuration.model
        let factor = model.learningRateSchedule.factor(
            atStep: progress.globalStep, of: limits.totalSteps, lr: model.optimizer.lr)
        let learningRate = model.optimizer.lr * factor
        // An epoch may end before the last group of batches is full.
        let accumulated = (progress.batchesInEpoch - 1) % limits.accumulatedBatches + 1
        let gradientScale = 1 / Float(accumulated * parts.group.size)
        let norms = isLogged ? try blockNorms(scale: Double(gradientScale), reducer: parts.reducer) : []
        let norm = try updateParameters(learningRate: Float(learningRate), gradientScale: gradientScale)
        try requireFinite("gradient norm", norm)
        progress.globalStep += 1
        progress.stepsInEpoch += 1
        // Lightning's callbacks come before the module's own hook, in which codes restart.
        parts.averaging?.update(afterStep: progress.globalStep)

        if isLogged {
            var line = values.map { (MetricTag.step($0.tag), $0.value) }
            line.append((MetricTag.gradientNorm, norm))
            line += norms.map { (MetricTag.blockNorm($0.part), $0.norm) }
            line += report.activations.rootMeanSquares.map { (MetricTag.activationRMS($0.part), $0.value) }
            let counts = report.codeCounts
            line += codeHealth(counts)
            if parts.monitorsLearningRate { line.append((MetricTag.learningRate, learningRate)) }
            line.append((MetricTag.epoch, Double(progress.epoch)))
            if configuration.data.stream.onBadSample == .skip {
                line.append((MetricTag.skippedSamples, Double(report.skippedSamples)))
            }
            line += reporter.throughput
            line += communication()
            // Lightning counts a logged step from 0.
            try parts.logger.log(step: progress.globalStep - 1, values: line)
            try parts.logger.histogram(step: progress.globalStep - 1, tag: MetricTag.codeUses, counts: counts)
        }
        judgeHealth()
        if model.restart == .encoder, progress.globalStep.isMultiple(of: model.restartEveryNSteps) {
            try restartCodes(latents: result.emb)
        }
        codeUsesAtStep = parts.module.codeUses
        try save(parts.checkpoints.filter { $0.isDue(afterStep: progress.globalStep) })
        return metrics[MetricTag.loss(.train)] ?? Double(result.loss)
    }

    private func codeHealth(_ counts: [Double]) -> [(tag: String, value: Double)] {
        let ages = health.ages(atStep: progress.globalStep)
        return [
            (MetricTag.step(MetricTag.perplexity(.train)), Evaluation.perplexity(counts)),
            (MetricTag.deadCodes, Double(ages.count { $0 >= configuration.model.restartEveryNSteps })),
            (MetricTag.oldestCode, Double(ages.max() ?? 0)), (MetricTag.restartedCodes, Double(health.restarts)),
        ]
    }

    /// Says how the run goes, where it is time to.
    private func judgeHealth() {
        let interval = configuration.trainer.healthEveryNSteps
        guard interval > 0, progress.globalStep.isMultiple(of: interval) else { return }
        let verdict = health.judge(
            step: progress.globalStep, waiting: reporter.waitingShare,
            restartsCodes: configuration.model.restart == .encoder)
        for line in [verdict.text] + verdict.warnings { reporter.note(line) }
    }

    /// Clips and applies the gradients; returns their norm before.
    private func updateParameters(learningRate: Float, gradientScale: Float) throws -> Double {
        let clip = configuration.trainer.gradientClipVal
        guard let reducer = parts.reducer else {
            return parts.module.optimizerStep(
                learningRate: learningRate, gradientScale: gradientScale, clipNorm: clip)
        }
        let norm = try reducer.sumOfSquares().squareRoot() * Double(gradientScale)
        parts.module.optimizerStep(
            learningRate: learningRate, gradientScale: gradientScale, norm: norm, clipNorm: clip)
        try reducer.shareValues()
        return norm
    }

    /// Milliseconds a step since the last logged one; nothing of a single process.
    private func communication() -> [(tag: String, value: Double)] {
        guard let reducer = parts.reducer else { return [] }
        let now = (progress.globalStep, parts.group.communicationSeconds, reducer.exposedSeconds)
        defer { loggedCommunication = now }
        let steps = Double(max(1, now.0 - loggedCommunication.step))
        return [
            (MetricTag.communication, 1000 * (now.1 - loggedCommunication.seconds) / steps),
            (MetricTag.exposedCommunication, 1000 * (now.2 - loggedCommunication.exposed) / steps),
        ]
    }

    private func endEpoch() throws {
        let means = MetricTag.tags(.train, configuration.model.stage).compactMap { tag in
            progress.epochMean(tag).map { (MetricTag.epoch(tag), $0) }
        }
        try parts.logger.log(
            step: max(0, progress.globalStep - 1), values: means + [(MetricTag.epoch, Double(progress.epoch))])
        parts.averaging?.update(afterEpoch: progress.epoch)
        if configuration.model.restart == .original { try restartCodes(latents: nil) }
        codeUsesAtStep = parts.module.codeUses
        let ended = progress.epoch
        stopEarly(afterValidation: false)
        progress.beginNextEpoch()
        try save(
            parts.checkpoints.filter {
                $0.isDue(afterEpoch: ended, isValidation: false, hasValidation: parts.hasValidation)
            })
    }

    private func validate() throws {
        let limit = configuration.trainer.limitValBatches.count(of: parts.validationBatches)
        let evaluation = try parts.evaluate(limit: limit)
        let values = MetricTag.values(of: evaluation, .val)
        for (tag, value) in values { metrics[tag] = value }
        try parts.logger.log(step: max(0, progress.globalStep - 1), values: values)
        reporter.note(
            "step \(progress.globalStep): held-out mse \(evaluation.mseLoss.formatted4), "
                + "\(evaluation.errorShare.formatted4) of the copy baseline, "
                + "\(evaluation.codesInUse) of \(evaluation.codeCounts.count) codes")
        firstHeldOut = firstHeldOut ?? evaluation
        stopEarly(afterValidation: true)
        let isEpochEnd = progress.batchesInEpoch >= limits.batchesPerEpoch
        try save(
            parts.checkpoints.filter {
                isEpochEnd && $0.isDue(afterEpoch: progress.epoch, isValidation: true, hasValidation: true)
            })
    }

    /// Ends the run where a monitored value no longer gets better. All ranks have the same values.
    private func stopEarly(afterValidation: Bool) {
        for place in earlyStoppings.indices
        where earlyStoppings[place].isDue(afterValidation: afterValidation, hasValidation: parts.hasValidation) {
            let found = earlyStoppings[place].check(metrics, epoch: progress.epoch)
            for line in [found.better, found.stop].compactMap({ $0 }) {
                reporter.note("step \(progress.globalStep): \(line)")
            }
            if found.stop != nil { isStoppedEarly = true }
        }
    }

    // MARK: Codes and checkpoints

    /// - Parameter latents: of this rank's last batch. Those of all ranks in their order are those of one process with
    ///   the global batch.
    private func restartCodes(latents: Tensor?) throws {
        let model = parts.module.model
        var generator = RandomGenerator(seed: parts.seed, purpose: "restart", progress.globalStep)
        let own = latents.map(parts.module.backend.floats) ?? []
        let restarted = model.quantizer.restartDeadCodes(
            configuration.model.restart,
            latents: latents == nil ? [] : try parts.group.allGather(own, for: "restart of codes").flatMap { $0 },
            optimizer: parts.module.optimizer, backend: parts.module.backend, &generator)
        // The two records cover the same steps, though no frozen code restarts.
        model.frozenQuantizer?.resetUsage()
        if !restarted.isEmpty {
            health.addRestarts(restarted.count)
            reporter.note("step \(progress.globalStep): restarted \(restarted.count) unused codes")
        }
    }

    /// Between two epochs Lightning still counts the one that has ended.
    private var isBetweenEpochs: Bool { progress.epoch > 0 && progress.batchesInEpoch == 0 }
    private var lightningEpoch: Int { isBetweenEpochs ? progress.epoch - 1 : progress.epoch }

    /// Every value that `monitor` may name, logged already or not.
    private var knownMetrics: [String] {
        let stage = configuration.model.stage
        return MetricTag.tags(.train, stage) + (parts.hasValidation ? MetricTag.tags(.val, stage) : [])
    }

    /// Makes sure before the first step that all ranks start from the same.
    private func requireSameStart() throws {
        guard parts.group.size > 1 else { return }
        try parts.group.requireSame(configuration.yaml(), what: "configuration")
        try parts.group.requireSame(
            "\(parts.seed), step \(progress.globalStep), sample \(parts.stream.state.position)", what: "start")
        try parts.group.requireSame(parts.stream.fingerprint, what: "datasets")
        try parts.requireSameParameters()
    }

    /// What all ranks do before rank 0 writes a checkpoint.
    private func prepareCheckpoint() throws {
        guard parts.group.size > 1, !parts.checkpoints.isEmpty else { return }
        try parts.requireSameParameters()
        moments = try parts.reducer?.gatherMoments(parts.module.optimizer)
    }

    private func save(_ callbacks: [ModelCheckpoint]) throws {
        guard !callbacks.isEmpty else { return }
        try prepareCheckpoint()
        for callback in callbacks where parts.group.isRoot { try save(callback) }
        moments = nil
    }

    private func save(_ callback: ModelCheckpoint) throws {
        let path = try callback.save(
            epoch: lightningEpoch, step: progress.globalStep, metrics: metrics, known: knownMetrics
        ) { try writeCheckpoint(to: $0, weightsOnly: callback.configuration.saveWeightsOnly) }
        guard let path else { return }
        lastCheckpoint = path
        if callback.configuration.verbose { reporter.note("step \(progress.globalStep): saved \(path)") }
    }

    private func writeCheckpoint(to path: String, weightsOnly: Bool = false) throws {
        // A step may ruin the weights after its own loss was fine; these must not take the place of good ones.
        if let lastBatch {
            let result = parts.module.validationStep(lastBatch.patches, language: lastBatch.language)
            try requireFinite("loss", Double(result.loss))
        }
        let model = configuration.model
        let factor = model.learningRateSchedule.factor(
            atStep: max(0, progress.globalStep - 1), of: limits.totalSteps, lr: model.optimizer.lr)
        var checkpoint = parts.module.checkpoint(
            epoch: lightningEpoch, globalStep: progress.globalStep, learningRate: model.optimizer.lr * factor,
            hasSchedule: model.learningRateSchedule != LearningRateSchedule(), moments: moments,
            frozen: parts.encoders.checkpointed)
        checkpoint.loops =
            LightningProgress(
                epoch: lightningEpoch, batches: progress.batches,
                batchesInEpoch: isBetweenEpochs ? limits.batchesPerEpoch : progress.batchesInEpoch,
                optimizerSteps: progress.globalStep,
                optimizerStepsInEpoch: isBetweenEpochs ? limits.stepsPerEpoch : progress.stepsInEpoch,
                isLastBatch: isBetweenEpochs || progress.batchesInEpoch >= limits.batchesPerEpoch,
                isEpochEnd: isBetweenEpochs
            ).pickle
        if !weightsOnly {
            for callback in parts.checkpoints {
                checkpoint.callbacks[.string(callback.state.key)] = callback.state.pickle
            }
            for stopping in earlyStoppings {
                checkpoint.callbacks[.string(stopping.state.key)] = stopping.state.pickle
            }
        }
        checkpoint.hyperParameters = .init(values: model.hyperParameters.pickle)
        checkpoint.dataHyperParameters = .init(values: configuration.data.hyperParameters.pickle)
        if weightsOnly {
            parts.averaging?.putAverage(in: &checkpoint)
            checkpoint.optimizers = []
            checkpoint.trainer = nil
        } else {
            parts.averaging?.add(to: &checkpoint)
            try parts.addTrainerState(to: &checkpoint, progress)
        }
        try checkpoint.write(to: path)
    }

    // MARK: The end

    private func summarize(signal: Int32?) throws -> FitSummary {
        var summary = FitSummary(
            steps: progress.globalStep, firstLoss: progress.firstLoss, lastLoss: metrics[MetricTag.loss(.train)],
            seconds: elapsed, checkpoint: lastCheckpoint, logDirectory: parts.logger.directory, signal: signal)
        if signal == nil {
            let sheets = try parts.evaluateForSummary(into: &summary)
            for (code, image) in sheets {
                try parts.logger.image(
                    step: max(0, progress.globalStep - 1), tag: "codes/code_\(code.twoDigits)", image)
                guard !parts.logger.directory.isEmpty else { continue }
                let folder = parts.logger.directory + "/contact_sheets"
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                try AtomicFile.write(image.encoded(), to: "\(folder)/code_\(code.twoDigits).png")
                summary.contactSheets = folder
            }
        }
        if parts.group.isRoot, !parts.logger.directory.isEmpty,
            let map = CodeHeatMap((try? RunLog(path: parts.logger.directory))?.codeUses ?? [])
        {
            try parts.logger.image(step: max(0, progress.globalStep - 1), tag: "codes/over_time", map.image())
        }
        try parts.logger.close()
        return summary
    }

    /// Prints a line that concerns this rank alone.
    private func noteOfRank(_ line: String) {
        if parts.group.isRoot { return reporter.note(line) }
        environment.write("\(parts.group.name(of: parts.group.rank)): \(line)\n")
    }

    private func requireFinite(_ what: String, _ value: Double) throws {
        guard !value.isFinite else { return }
        reporter.finish()
        throw TrainerError.notFinite(what: what, value: value, step: progress.globalStep, checkpoint: lastCheckpoint)
    }

    private var elapsed: Double { (ContinuousClock.now - started) / .seconds(1) }
}

extension Double {
    /// Four significant digits.
    var formatted4: String { String(format: "%.4g", self) }
}

extension Int {
    var twoDigits: String { self < 10 ? "0\(self)" : "\(self)" }
}
