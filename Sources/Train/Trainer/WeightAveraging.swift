import Checkpoints
import Configuration
import Formats
import Frozen
import NN

/// Lightning's `EMAWeightAveraging` at work: decides when the average of the weights is updated, and knows what of it is
/// in checkpoints.
///
/// All ranks have the same parameters after each step, hence the same average without telling each other.
package final class WeightAveraging {
    /// The key of the callback's state under `callbacks`.
    static let stateKey = "EMAWeightAveraging"

    private let configuration: EMAWeightAveragingConfiguration
    private let module: LAMModule
    private let average: MovingAverage
    /// Optimiser steps that had been taken at the last update after a step; 0 before.
    private var latestUpdateStep = 0

    package init(_ configuration: EMAWeightAveragingConfiguration, of module: LAMModule) {
        self.configuration = configuration
        self.module = module
        average = MovingAverage(module.store, decay: configuration.decay)
    }

    /// - Parameter steps: optimiser steps taken, the last one included.
    package func update(afterStep steps: Int) {
        guard configuration.isDue(afterStep: steps - 1) else { return }
        average.update()
        latestUpdateStep = steps
    }

    /// - Parameter epoch: the epoch that has ended, from 0.
    package func update(afterEpoch epoch: Int) {
        if configuration.isDue(afterEpoch: epoch) { average.update() }
    }

    /// Runs `body` with the average as the module's weights.
    func apply<Result>(_ body: () throws -> Result) rethrows -> Result { try average.apply(body) }

    /// Gives the module the averaged weights for good; Lightning does so at the end of training.
    func adopt() { average.adopt() }

    // MARK: Checkpoints

    /// Puts the average in the place of the weights, these under Lightning's key for them, and the rest of the state
    /// beside them.
    package func add(to checkpoint: inout LightningCheckpoint) {
        checkpoint.averaging = .init(currentModel: checkpoint.stateDict, updates: average.updates)
        checkpoint.callbacks[.string(Self.stateKey)] = ["latest_update_step": .int(latestUpdateStep)]
        putAverage(in: &checkpoint)
    }

    /// The same for a file without what resuming needs.
    func putAverage(in checkpoint: inout LightningCheckpoint) {
        for parameter in module.store.trainable {
            checkpoint.stateDict[LightningCheckpoint.modelPrefix + parameter.name] = module.stored(
                average.value(of: parameter))
        }
    }

    /// Goes on from a checkpoint that the module has been restored from; without averaged weights in it, averaging
    /// starts anew.
    ///
    /// - Throws: `CheckpointError`.
    package func restore(_ checkpoint: LightningCheckpoint) throws {
        guard let averaging = checkpoint.averaging else { return }
        let weights = try module.weights(of: checkpoint)
        average.restore(updates: averaging.updates) { parameter, value in
            if let weight = weights[LightningCheckpoint.modelPrefix + parameter.name] {
                module.backend.upload(weight, to: value)
            }
        }
        if let state = checkpoint.callbacks[.string(Self.stateKey)] {
            let reader = CheckpointReader(path: checkpoint.path, key: "callbacks.\(Self.stateKey)", value: state)
            latestUpdateStep = try reader("latest_update_step").count()
        }
    }
}
