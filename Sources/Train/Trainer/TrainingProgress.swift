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

    public init() {}

    /// Adds one batch's values to the epoch's sums.
    mutating func count(_ values: [(tag: String, value: Double)]) {
        batches += 1
        batchesInEpoch += 1
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
