import Collectives
import Configuration
import Formats
import Foundation
import LAM
import LAMData
import Loggers
import Reports
import Tensor

/// The training loop, in Lightning's vocabulary: epochs of batches, optimiser steps, callbacks, loggers.
///
/// Everything that a later step depends on is in the checkpoint, and everything random is drawn from (seed, purpose,
/// step): stopping and resuming at any step gives the same bits as not stopping.
public final class Trainer {
    private let run: TrainingRun
    private let interruption: () -> Int32?
    private let limits: RunLimits
    private let step: TrainingStep
    private let monitor: RunMonitor
    private let checkpoints: CheckpointWriter
    private let started = ContinuousClock.now

    private var progress = TrainingProgress()
    /// The last batch ended in an optimiser step.
    private var hasJustStepped = false
    private var begun: Begun?
    /// What the last step's report says, the same on all ranks: the run's seconds and a signal to end.
    private var agreedSeconds = 0.0
    private var agreedSignal: Int32?

    public init(_ run: TrainingRun, environment: TrainerEnvironment) {
        self.run = run
        interruption = environment.interruption
        limits = RunLimits(
            run.configuration.trainer, framesInMix: run.stream.framesInMix, batchSize: run.globalBatch,
            hasValidation: run.hasValidation)
        step = TrainingStep(run)
        monitor = RunMonitor(run, limits: limits, environment: environment)
        checkpoints = CheckpointWriter(run, limits: limits, step: step, monitor: monitor)
        if let resumed = run.resumed {
            progress = resumed.progress
            // It says how the run went and decides nothing, so a damaged one may as well begin anew.
            let action = run.module.model.action
            if progress.health?.isSane(of: action, step: progress.globalStep) == false { progress.health = nil }
        }
    }

    /// Trains until a limit is reached or a signal arrives.
    ///
    /// - Throws: `TrainerError`, and what the data, the disk or the loggers throw. The last checkpoint stays whole.
    public func fit() throws -> FitSummary {
        do {
            try run.requireSameStart(step: progress.globalStep)
            for stopping in monitor.earlyStoppings { try stopping.requireKnown(run.knownMetrics) }
            let sanitySteps = run.configuration.trainer.numSanityValSteps
            if run.hasValidation, sanitySteps != 0, run.resumed == nil, !run.isTrial {
                _ = try run.evaluate(limit: sanitySteps < 0 ? .fraction(1) : .batches(sanitySteps))
            }
            while agreedSignal == nil, !monitor.isStoppedEarly, !isOver { try runEpoch() }
            try endStep()
            monitor.finish()
            try checkpoints.saveFinal(progress, isInterrupted: agreedSignal != nil)
        } catch let error as TrainerError {
            switch error {
            case .notFinite, .device: monitor.finish()
            default: break
            }
            throw error
        }
        run.averaging?.adopt()
        return try summarize()
    }

    private var isOver: Bool { limits.isRunOver(progress, seconds: agreedSeconds) }
    private var elapsed: Double { (ContinuousClock.now - started) / .seconds(1) }

    // MARK: Epochs

    /// Trains to the end of the epoch, or of the run.
    private func runEpoch() throws {
        while progress.batchesInEpoch < limits.batchesPerEpoch {
            do {
                hasJustStepped = try runBatch()
            } catch {
                // A wait for the hub that a signal has ended. Only between two steps is there a state to go on from, and
                // only a single process knows that it is between them.
                guard hasJustStepped, run.group.size == 1, error.isHubCancellation, let signal = interruption() else {
                    throw error
                }
                agreedSignal = signal
                return
            }
            guard hasJustStepped else { continue }
            if agreedSignal != nil { return }
            if monitor.isStoppedEarly || isOver { break }
        }
        if progress.batchesInEpoch >= limits.batchesPerEpoch { try endEpoch() }
    }

    private func endEpoch() throws {
        try monitor.logEpoch(progress)
        run.averaging?.update(afterEpoch: progress.epoch)
        if run.configuration.model.restart == .original { try restartCodes(latents: nil) }
        let ended = progress.epoch
        monitor.stopEarly(afterValidation: false, at: progress)
        progress.beginNextEpoch()
        try checkpoints.save(progress) {
            $0.isDue(afterEpoch: ended, isValidation: false, hasValidation: run.hasValidation)
        }
    }

    private func validate() throws {
        var evaluation = try run.evaluate(limit: run.validationLimit) { monitor.note($0) }
        evaluation.unproven = progress.health?.unprovenCodes ?? []
        try monitor.log(evaluation, at: progress)
        monitor.stopEarly(afterValidation: true, at: progress)
        let isEpochEnd = progress.batchesInEpoch >= limits.batchesPerEpoch
        try checkpoints.save(progress) {
            isEpochEnd && $0.isDue(afterEpoch: progress.epoch, isValidation: true, hasValidation: true)
        }
    }

    // MARK: Steps

    /// One batch; true when it ended in an optimiser step.
    private func runBatch() throws -> Bool {
        let start = ContinuousClock.now
        let waited = run.stream.waitedSeconds
        guard let batch = try run.stream.next() else {
            preconditionFailure("the training stream is endless")
        }
        for skipped in batch.skipped { monitor.noteOfRank("\(skipped)") }
        let input = try run.batchEncoder(batch)
        progress.countBatch()
        let isStep = limits.isStepDue(progress)
        let isLogged = isStep && (progress.globalStep + 1).isMultiple(of: run.configuration.trainer.logEveryNSteps)
        if progress.batches == 1, run.resumed == nil { try step.begin(input) }
        let (loss, latents) = try step.add(
            input, step: progress.globalStep, isLast: isStep, isObserved: isLogged)
        if isStep { try beginStep(latents: latents, isLogged: isLogged) }
        // What was begun before is ended while the device computes what has been begun now.
        if !isStep || !mayBeginNext { try endStep() }
        // Before a validation, whose time says nothing of how fast steps are.
        let cost = RunMonitor.Cost(
            seconds: (ContinuousClock.now - start) / .seconds(1), waiting: run.stream.waitedSeconds - waited,
            samples: batch.samples.count * run.group.size)
        if begun == nil {
            monitor.show(progress, loss: loss ?? lastLoss, cost, now: elapsed)
        } else {
            begun?.cost = cost
        }
        if limits.isValidationDue(progress) { try validate() }
        return isStep
    }

    /// The last step's loss, over all ranks.
    private var lastLoss: Double { monitor.metrics[MetricTag.loss(.train)] ?? .nan }

    /// A step whose numbers the host has not seen yet.
    private struct Begun {
        let step: TrainingStep.Launched
        /// Steps taken with it.
        let number: Int
        let latents: Tensor
        let learningRate: Double
        let isLogged: Bool
        /// What is still to be shown of it.
        var cost: RunMonitor.Cost?
    }

    /// Begins an optimiser step, and ends the one that was begun before.
    private func beginStep(latents: Tensor, isLogged: Bool) throws {
        let learningRate = run.learningRate(atStep: progress.globalStep, of: limits.totalSteps)
        // An epoch may end before the last group of batches is full.
        let accumulated = (progress.batchesInEpoch - 1) % limits.accumulatedBatches + 1
        let launched = try step.launch(learningRate: learningRate, batches: accumulated, measuresParts: isLogged)
        progress.countStep()
        // Lightning's callbacks come before the module's own hook, in which codes restart.
        run.averaging?.update(afterStep: progress.globalStep)
        run.device?.submit()
        let number = progress.globalStep
        try endStep()
        begun = Begun(
            step: launched, number: number, latents: latents, learningRate: learningRate, isLogged: isLogged)
    }

    /// Whether the next step may begin before the host has seen this one's numbers: if nothing between the two depends on
    /// them, or on the state as it is in between.
    private var mayBeginNext: Bool {
        guard let device = run.device, !device.hasFailed else { return false }
        return progress.batchesInEpoch < limits.batchesPerEpoch && !isOver
            && !limits.isValidationDue(progress) && !isRestartDue(afterStep: progress.globalStep)
            && !run.checkpoints.contains { $0.isDue(afterStep: progress.globalStep) }
    }

    private func isRestartDue(afterStep step: Int) -> Bool {
        let model = run.configuration.model
        return model.restart.isPeriodic && step.isMultiple(of: model.restartEveryNSteps)
    }

    /// Ends the step that was begun, if one was: waits for its numbers, and does what is due after it.
    private func endStep() throws {
        guard let begun = begun.take() else { return }
        let outcome: TrainingStep.Outcome
        do {
            outcome = try step.settle(begun.step) {
                TrainingStep.Standing(
                    skippedSamples: run.stream.skippedSamples, signal: interruption(), seconds: elapsed)
            }
        } catch {
            guard !(error is CollectiveError) else { throw error }
            throw TrainerError.device(reason: "\(error)", step: begun.number - 1, checkpoint: checkpoints.lastPath)
        }
        let (report, norms) = (outcome.report, outcome.norms)
        agreedSeconds = report.seconds
        agreedSignal = report.signal == 0 ? nil : report.signal
        for batch in report.batches { try requireFinite("loss", batch.losses.total, begun) }
        monitor.add(report, ofStep: begun.number, to: &progress)
        try requireFinite("gradient norm", norms.whole, begun)

        var standing = progress
        standing.globalStep = begun.number
        if begun.isLogged {
            try monitor.log(report, norms: norms, learningRate: begun.learningRate, at: standing)
        }
        monitor.judgeHealth(&progress, afterStep: begun.number)
        if isRestartDue(afterStep: begun.number) {
            try restartCodes(latents: run.configuration.model.restart == .encoder ? begun.latents : nil)
        }
        try checkpoints.save(progress) { $0.isDue(afterStep: begun.number) }
        if let cost = begun.cost { monitor.show(standing, loss: lastLoss, cost, now: elapsed) }
    }

    private func restartCodes(latents: Tensor?) throws {
        let restarted = try step.restartCodes(
            run.configuration.model.restart, latents: latents, step: progress.globalStep)
        monitor.addRestarts(restarted, to: &progress)
    }

    private func requireFinite(_ what: String, _ value: Double, _ begun: Begun) throws {
        try TrainerError.requireFinite(what, value, step: begun.number - 1, checkpoint: checkpoints.lastPath)
    }

    // MARK: The end

    private func summarize() throws -> FitSummary {
        let logger = run.logger
        var summary = FitSummary(
            steps: progress.globalStep,
            ownSteps: progress.globalStep - (run.resumed?.progress.globalStep ?? 0), firstLoss: progress.firstLoss,
            lastLoss: monitor.metrics[MetricTag.loss(.train)], seconds: elapsed, checkpoint: checkpoints.lastPath,
            readings: logger.readings, signal: agreedSignal)
        if agreedSignal == nil {
            let unproven = progress.health?.unprovenCodes ?? []
            let images = try run.evaluateForSummary(into: &summary, unproven: unproven) { monitor.note($0) }
            for (name, image) in images {
                try logger.image(
                    step: progress.loggedStep, tag: "\(name.hasPrefix("code") ? "codes" : "latents")/\(name)", image)
                guard !logger.directory.isEmpty else { continue }
                let folder = logger.directory + "/contact_sheets"
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                try AtomicFile.write(image.encoded(), to: "\(folder)/\(name).png")
                summary.contactSheets = folder
            }
            if run.group.isRoot, let report = summary.report, !logger.directory.isEmpty {
                _ = try report.write(
                    to: logger, in: logger.directory, logged: report.isHeldOut ? progress.loggedStep : nil)
            }
        }
        if run.group.isRoot, !logger.directory.isEmpty,
            let map = CodeHeatMap((try? RunLog(path: logger.directory))?.codeUses ?? [])
        {
            try logger.image(step: progress.loggedStep, tag: "codes/over_time", map.image())
        }
        try logger.close()
        return summary
    }
}
