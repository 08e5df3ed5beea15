import Formats

/// How far a run has come, as the `loops` entry of a Lightning checkpoint counts it.
public struct LightningProgress: Equatable, Sendable {
    /// The epoch under way, from 0.
    public var epoch: Int
    /// Batches since the run began, and since this epoch began.
    public var batches: Int
    public var batchesInEpoch: Int
    /// Optimiser steps since the run began, and since this epoch began.
    public var optimizerSteps: Int
    public var optimizerStepsInEpoch: Int
    public var isLastBatch: Bool
    /// Whether it is taken after the epoch's last batch. Otherwise it is taken in a batch's own end hook, where
    /// Lightning has not yet counted that batch as completed.
    public var isEpochEnd: Bool

    public init(
        epoch: Int, batches: Int, batchesInEpoch: Int, optimizerSteps: Int, optimizerStepsInEpoch: Int,
        isLastBatch: Bool = false, isEpochEnd: Bool = false
    ) {
        self.epoch = epoch
        self.batches = batches
        self.batchesInEpoch = batchesInEpoch
        self.optimizerSteps = optimizerSteps
        self.optimizerStepsInEpoch = optimizerStepsInEpoch
        self.isLastBatch = isLastBatch
        self.isEpochEnd = isEpochEnd
    }

    /// The nested dictionaries that Lightning 2.6 writes and resumes from.
    public var pickle: PickleValue {
        let pending = isEpochEnd ? 0 : 1
        func batchCounts(_ count: Int) -> PickleValue {
            Self.counts(ready: count, completed: max(0, count - pending), started: count, processed: count)
        }
        func steps(_ count: Int) -> PickleValue { ["ready": .int(count), "completed": .int(count)] }
        func zeroed(_ count: Int) -> PickleValue {
            ["ready": .int(count), "completed": .int(count), "started": .int(count)]
        }
        let epochCounts = Self.counts(
            ready: epoch + 1, completed: epoch, started: epoch + 1, processed: epoch + 1 - pending)
        let fit: PickleValue = [
            "state_dict": [:],
            "epoch_loop.state_dict": ["_batches_that_stepped": .int(max(0, optimizerSteps - pending))],
            "epoch_loop.batch_progress": [
                "total": batchCounts(batches), "current": batchCounts(batchesInEpoch),
                "is_last_batch": .bool(isLastBatch),
            ],
            "epoch_loop.scheduler_progress": ["total": steps(0), "current": steps(0)],
            "epoch_loop.automatic_optimization.state_dict": [:],
            "epoch_loop.automatic_optimization.optim_progress": [
                "optimizer": [
                    "step": ["total": steps(optimizerSteps), "current": steps(optimizerStepsInEpoch)],
                    "zero_grad": ["total": zeroed(optimizerSteps), "current": zeroed(optimizerStepsInEpoch)],
                ]
            ],
            "epoch_loop.manual_optimization.state_dict": [:],
            "epoch_loop.manual_optimization.optim_step_progress": ["total": steps(0), "current": steps(0)],
            "epoch_loop.val_loop.state_dict": [:],
            "epoch_loop.val_loop.batch_progress": Self.idleBatches(withLast: true),
            "epoch_progress": ["total": epochCounts, "current": epochCounts],
        ]
        return [
            "fit_loop": fit,
            "validate_loop": ["state_dict": [:], "batch_progress": Self.idleBatches(withLast: true)],
            "test_loop": ["state_dict": [:], "batch_progress": Self.idleBatches(withLast: true)],
            "predict_loop": ["state_dict": [:], "batch_progress": Self.idleBatches(withLast: false)],
        ]
    }

    private static func counts(ready: Int, completed: Int, started: Int, processed: Int) -> PickleValue {
        [
            "ready": .int(ready), "completed": .int(completed), "started": .int(started), "processed": .int(processed),
        ]
    }

    private static func idleBatches(withLast: Bool) -> PickleValue {
        let idle = counts(ready: 0, completed: 0, started: 0, processed: 0)
        return withLast ? ["total": idle, "current": idle, "is_last_batch": false] : ["total": idle, "current": idle]
    }

    init(_ reader: CheckpointReader) throws(CheckpointError) {
        let fit = try reader("fit_loop")
        let batch = try fit("epoch_loop.batch_progress")
        let steps = try fit("epoch_loop.automatic_optimization.optim_progress")("optimizer")("step")
        let epochs = try fit("epoch_progress")("current")
        epoch = try epochs("completed").count()
        batches = try batch("total")("processed").count()
        batchesInEpoch = try batch("current")("processed").count()
        optimizerSteps = try steps("total")("completed").count()
        optimizerStepsInEpoch = try steps("current")("completed").count()
        isLastBatch = try batch("is_last_batch").bool()
        isEpochEnd = try epochs("processed").count() > epoch
    }
}
