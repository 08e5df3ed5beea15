import LAM

/// How far a run is, with the sums its epoch means are made of. Part of every checkpoint.
public struct TrainingProgress: Codable, Sendable, Equatable {
    /// The epoch under way, from 0.
    public var epoch = 0
    /// Optimiser steps taken.
    public var globalStep = 0
    /// Batches trained on, in the run and in this epoch.
    public var batches = 0
    public var batchesInEpoch = 0
    /// Optimiser steps of this epoch.
    public var stepsInEpoch = 0
    /// First loss of the run.
    public var firstLoss: Double?
    /// Sums of this epoch's values by tag.
    public var epochSums: [String: Double] = [:]
    /// What verdicts on the run's health are made of.
    public var health: HealthRecord?

    public init() {}

    /// Whether a run may go on counting from these numbers, which come from a file.
    var isSane: Bool {
        [epoch, globalStep, batches, batchesInEpoch, stepsInEpoch].allSatisfy { 0...(1 << 53) ~= $0 }
    }

    mutating func countBatch() {
        batches += 1
        batchesInEpoch += 1
    }

    mutating func countStep() {
        globalStep += 1
        stepsInEpoch += 1
    }

    /// The number under which Lightning logs the last step: it counts them from 0.
    var loggedStep: Int { max(0, globalStep - 1) }

    /// Between two epochs Lightning still counts the one that has ended.
    var isBetweenEpochs: Bool { epoch > 0 && batchesInEpoch == 0 }
    var lightningEpoch: Int { isBetweenEpochs ? epoch - 1 : epoch }

    /// Changes the health record, which begins with the first change.
    mutating func updateHealth<Result>(of action: LatentPart, _ change: (inout HealthRecord) -> Result) -> Result {
        var record = health ?? HealthRecord(of: action)
        defer { health = record }
        return change(&record)
    }

    /// Adds one batch's values to the epoch's sums.
    mutating func add(_ values: [(tag: String, value: Double)]) {
        for (tag, value) in values { epochSums[tag, default: 0] += value }
    }

    /// Means of this epoch's values.
    func epochMean(_ tag: String) -> Double? {
        batchesInEpoch > 0 ? epochSums[tag].map { $0 / Double(batchesInEpoch) } : nil
    }

    mutating func beginNextEpoch() {
        epoch += 1
        batchesInEpoch = 0
        stepsInEpoch = 0
        epochSums = [:]
    }
}
