import Configuration
import Foundation
import LAMData
import LAMTrain

/// Measures what a configured run would take, by some real training steps whose result is thrown away.
///
/// Nothing is written: no logs, checkpoints or features. A small batch comes first; from what it takes follow the batch that
/// the time allows and, where that is not the configured one, memory as a line through the two.
public struct RunEstimator {
    private let configuration: LAMConfiguration
    private let environment: [String: String]
    private let threads: Int?
    private let note: (String) -> Void

    /// Pairs of the first trial.
    private static let smallBatch = 2
    /// Measured steps of a trial: more say nothing new.
    private static let enoughSteps = 24
    /// Where training ends and the data stream is measured by itself, as a share of the time.
    private static let trainingShare = 0.75

    /// - Parameters:
    ///   - environment: the process's variables.
    ///   - threads: as of `TrainingRun`.
    ///   - note: takes lines for the user.
    public init(
        _ configuration: LAMConfiguration, environment: [String: String], threads: Int?,
        note: @escaping (String) -> Void = { _ in }
    ) {
        var trial = configuration
        trial.trainer.logger = LoggerList([])
        trial.trainer.enableCheckpointing = false
        trial.data.featureCache = nil
        (self.configuration, self.environment, self.threads, self.note) = (trial, environment, threads, note)
    }

    /// - Parameter budget: seconds that the measurement may take, up to the end of the step that is under way then.
    /// - Throws: what the opening of data and model, the stream and the device throw.
    public func measure(budget: Double) throws -> RunCost {
        let start = ContinuousClock.now
        let elapsed = { (ContinuousClock.now - start) / .seconds(1) }
        let configured = configuration.data.stream.batchSize
        let small = min(configured, Self.smallBatch)
        var trial = try EstimateTrial(configuration, batch: small, environment, threads, note: note)
        try trial.train(steps: 1) { elapsed() > budget / 3 }
        let smallMemory = StreamBenchmark.peakResidentBytes()
        // Data and model are opened once more, and a step that prepares memory is not counted.
        let left = budget * Self.trainingShare - elapsed() - trial.openingSeconds
        let affordable = Int(max(0, min(left / 3 * Double(small) / max(trial.secondsPerStep, 1e-9), 1e6)))
        let batch = min(configured, max(small, affordable))
        if batch > small {
            trial = try EstimateTrial(configuration, batch: batch, environment, threads) { _ in }
        }
        try trial.train(steps: Self.enoughSteps) { elapsed() > budget * Self.trainingShare }
        let memory = StreamBenchmark.peakResidentBytes()
        let slope = batch > small ? Double(memory - smallMemory) / Double(batch - small) : 0
        let streamRate = try trial.streamSamplesPerSecond { elapsed() > budget }
        return cost(
            of: trial.run,
            measured: .init(
                batch: batch, steps: trial.measuredSteps, samplesPerSecond: Double(batch) / trial.secondsPerStep,
                streamSamplesPerSecond: streamRate, seconds: elapsed()),
            memory: memory + Int(slope * Double(configured - batch)), isExtrapolated: batch < configured)
    }

    private func cost(
        of run: TrainingRun, measured: RunCost.Measurement, memory: Int, isExtrapolated: Bool
    ) -> RunCost {
        let trainer = configuration.trainer
        var perMachine = 1
        if case .count(let count) = trainer.devices { perMachine = min(count, 1_000_000) }
        let globalBatch = configuration.data.stream.batchSize * perMachine * trainer.numNodes
        let limits = RunLimits(
            trainer, framesInMix: run.stream.framesInMix, batchSize: globalBatch, hasValidation: run.hasValidation)
        let samplesPerStep = Double(trainer.accumulateGradBatches) * Double(globalBatch)
        let samples = limits.totalSteps.map { Double($0) * samplesPerStep }
        let validation = limits.validationSamples(
            batchSize: globalBatch, heldOut: run.heldOutPairs,
            limit: trainer.limitValBatches)
        // Processes of one machine share its cores; those of several machines add up.
        let rate = measured.sustainedSamplesPerSecond * Double(trainer.numNodes)
        let untilEnd = samples.map { RunCost.seconds(training: $0, validation: validation, rate: rate) }
        let limit = limits.maxSeconds
        return RunCost(
            device: run.module.backend.summary, trainableParameters: run.module.store.trainableCount,
            gflopPerSample: run.gflopPerSample, samplesPerStep: samplesPerStep, steps: limits.totalSteps,
            samples: samples, validationSamples: validation, timeLimitSeconds: limit, measured: measured,
            seconds: [untilEnd, limit].compactMap { $0 }.min(),
            isEndedByClock: limit.map { $0 < untilEnd ?? .infinity } ?? false, memoryBytes: memory,
            isMemoryExtrapolated: isExtrapolated, checkpointBytes: run.checkpointBytes)
    }
}
