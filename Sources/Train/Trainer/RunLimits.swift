import Configuration

/// When epochs, validations and the run end, worked out from Lightning's options.
package struct RunLimits {
    /// Batches of one epoch: the mix's frames over the batch size, or `limit_train_batches`.
    let batchesPerEpoch: Int
    let accumulatedBatches: Int
    let maxEpochs: Int?
    let maxSteps: Int?
    package let maxSeconds: Double?
    /// Batches between validations; nil without any.
    let batchesPerValidation: Int?
    /// Epochs between validations; nil: `batchesPerValidation` counts across epochs.
    let epochsPerValidation: Int?

    package init(_ trainer: TrainerConfiguration, framesInMix: Int, batchSize: Int, hasValidation: Bool) {
        let dev = trainer.fastDevRun
        switch trainer.limitTrainBatches {
        case _ where dev.isOn: batchesPerEpoch = dev.batches
        case .batches(let count): batchesPerEpoch = max(1, count)
        case .fraction(let share): batchesPerEpoch = max(1, Int(Double(framesInMix / batchSize) * share))
        }
        accumulatedBatches = trainer.accumulateGradBatches
        maxSteps = trainer.maxSteps >= 0 ? trainer.maxSteps : nil
        maxSeconds = trainer.maxTime.map { Double($0.seconds) }
        if dev.isOn {
            maxEpochs = 1
        } else if let epochs = trainer.maxEpochs {
            maxEpochs = epochs >= 0 ? epochs : nil
        } else {
            // Lightning's default where nothing else ends the run.
            maxEpochs = maxSteps == nil && maxSeconds == nil ? 1000 : nil
        }
        epochsPerValidation = trainer.checkValEveryNEpoch
        guard hasValidation else {
            batchesPerValidation = nil
            return
        }
        switch trainer.valCheckInterval {
        case .batches(let count): batchesPerValidation = count
        case .fraction(let share): batchesPerValidation = max(1, Int(Double(batchesPerEpoch) * share))
        }
    }

    var stepsPerEpoch: Int { (batchesPerEpoch + accumulatedBatches - 1) / accumulatedBatches }

    /// Optimiser steps of the whole run; nil for one without end, or one that a clock ends.
    package var totalSteps: Int? {
        let byEpochs = maxEpochs.map { $0 * stepsPerEpoch }
        guard let maxSteps else { return byEpochs }
        return byEpochs.map { min($0, maxSteps) } ?? maxSteps
    }

    func isRunOver(_ progress: TrainingProgress, seconds: Double) -> Bool {
        maxSteps.map { progress.globalStep >= $0 } ?? false
            || maxEpochs.map { progress.epoch >= $0 } ?? false
            || maxSeconds.map { seconds >= $0 } ?? false
    }

    /// Which limit a run has reached, in words; nil: none.
    func reason(toEndAt progress: TrainingProgress) -> String? {
        if let maxSteps, progress.globalStep >= maxSteps {
            return "it is of step \(progress.globalStep), and trainer.max_steps is \(maxSteps)"
        }
        if let maxEpochs, progress.epoch >= maxEpochs {
            return "it has seen \(progress.epoch) epochs, and trainer.max_epochs is \(maxEpochs)"
        }
        return nil
    }

    func isStepDue(_ progress: TrainingProgress) -> Bool {
        progress.batchesInEpoch.isMultiple(of: accumulatedBatches) || progress.batchesInEpoch >= batchesPerEpoch
    }

    func isValidationDue(_ progress: TrainingProgress) -> Bool {
        guard let batchesPerValidation else { return false }
        guard let epochsPerValidation else { return progress.batches.isMultiple(of: batchesPerValidation) }
        return (progress.epoch + 1).isMultiple(of: epochsPerValidation)
            && progress.batchesInEpoch.isMultiple(of: batchesPerValidation)
    }
}
