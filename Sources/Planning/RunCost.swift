import LAMTrain
import Reports

/// What a run would take: its arithmetic, its speed as measured on this machine, its time, memory and disk.
public struct RunCost: Codable, Sendable, Equatable {
    /// The device that was measured.
    public var device: String
    public var trainableParameters: Int
    /// GFLOP of a training step per sample, forward and backward, without frozen encoders.
    public var gflopPerSample: Double
    /// Samples of an optimiser step over all processes and accumulated batches.
    public var samplesPerStep: Double
    /// Optimiser steps; nil for a run without end, or one that only a clock ends.
    public var steps: Int?
    /// Training samples of the run; nil like `steps`.
    public var samples: Double?
    /// Held-out samples that all validations look at together.
    public var validationSamples: Double
    /// The run's time limit, `trainer.max_time`, in seconds.
    public var timeLimitSeconds: Double?
    /// What was measured, and with how large a batch.
    public var measured: Measurement
    /// Seconds until the run ends on this machine; nil for one without end.
    public var seconds: Double?
    /// Whether `trainer.max_time` ends the run before its last step.
    public var isEndedByClock: Bool
    /// Largest resident set of the process, in bytes; see `isMemoryExtrapolated`.
    public var memoryBytes: Int
    /// Whether the configured batch was too large to be tried in the time there was.
    public var isMemoryExtrapolated: Bool
    /// Size of one checkpoint in bytes, about.
    public var checkpointBytes: Int

    /// What a trial of some seconds gave.
    public struct Measurement: Codable, Sendable, Equatable {
        /// Pairs of one batch in the trial.
        public var batch: Int
        /// Measured steps after the first, which prepares memory.
        public var steps: Int
        /// Samples per second of training, waits for data included.
        public var samplesPerSecond: Double
        /// Samples per second that the data stream delivers by itself.
        public var streamSamplesPerSecond: Double
        /// Seconds that the whole measurement took, opening of data and model included.
        public var seconds: Double

        /// The rate at which a run goes on once its first batches, which were made ahead, are used up.
        public var sustainedSamplesPerSecond: Double { min(samplesPerSecond, streamSamplesPerSecond) }
    }
}

extension RunCost {
    /// Seconds of a run, of whose samples validation makes one of the three passes that a training step makes.
    static func seconds(training: Double, validation: Double, rate: Double) -> Double {
        (training + validation / 3) / rate
    }

    /// The lines that `lam estimate` prints.
    public var text: String {
        let rate = measured.sustainedSamplesPerSecond
        let limit =
            measured.streamSamplesPerSecond < measured.samplesPerSecond ? ", limited by reading the data" : ""
        let gibibyte = Double(1 << 30)
        return [
            "device      \(device)",
            "model       \(trainableParameters) trainable parameters, \(gflopPerSample.formatted4) GFLOP a sample",
            "speed       \(rate.formatted4) samples/s here\(limit): measured over \(measured.steps) step\(measured.steps == 1 ? "" : "s") of "
                + "\(measured.batch); the data stream by itself delivers \(measured.streamSamplesPerSecond.formatted4)",
            "run         \(runText)",
            "memory      \((Double(memoryBytes) / gibibyte).formatted4) GiB"
                + (isMemoryExtrapolated ? ", extrapolated from smaller batches" : " at the measured peak"),
            "checkpoint  \((Double(checkpointBytes) / Double(1 << 20)).formatted4) MiB each",
        ].joined(separator: "\n")
    }

    private var runText: String {
        let size =
            steps.map { "\($0) steps of \(samplesPerStep.formatted4) samples" }
            ?? "steps of \(samplesPerStep.formatted4) samples"
        guard let seconds else {
            return "\(size), without end: set trainer.max_steps, max_epochs or max_time"
        }
        let validation =
            validationSamples > 0 ? ", \(validationSamples.formatted4) held-out samples looked at in it" : ""
        let clock = isEndedByClock ? ", ended by trainer.max_time" : ""
        return "\(size): \(ProgressLine.duration(seconds))\(clock)\(validation)"
    }
}
