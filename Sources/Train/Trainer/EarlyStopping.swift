import Checkpoints
import Configuration
import Foundation
import Reports

/// Lightning's `EarlyStopping` at work.
package struct EarlyStopping {
    package let configuration: EarlyStoppingConfiguration
    package private(set) var state: EarlyStoppingState

    package init(_ configuration: EarlyStoppingConfiguration) {
        self.configuration = configuration
        state = EarlyStoppingState(
            monitor: configuration.monitor ?? "", mode: configuration.mode.rawValue, patience: configuration.patience)
    }

    /// Takes over what the same callback of an earlier run remembered.
    package mutating func restore(_ states: [EarlyStoppingState]) {
        guard let saved = states.first(where: { $0.key == state.key }) else { return }
        state.waitCount = saved.waitCount
        state.stoppedEpoch = saved.stoppedEpoch
        state.bestScore = saved.bestScore
    }

    func isDue(afterValidation: Bool, hasValidation: Bool) -> Bool {
        (configuration.checkOnTrainEpochEnd ?? !hasValidation) != afterValidation
    }

    /// - Throws: `CheckpointError.unknownMonitor` for a value that no run like this logs.
    func requireKnown(_ known: [String]) throws {
        guard configuration.strict, !known.contains(state.monitor) else { return }
        throw CheckpointError.unknownMonitor(name: state.monitor, known: known.sorted())
    }

    /// Looks at the monitored value.
    ///
    /// - Parameter metrics: last logged values by bare tag; a value that is not there yet decides nothing.
    /// - Returns: why the run is to end, if it is, and a line about a better value, if there is one.
    package mutating func check(_ metrics: [String: Double], epoch: Int) -> (stop: String?, better: String?) {
        guard let value = metrics[state.monitor] else { return (nil, nil) }
        let name = state.monitor
        func isBetter(_ a: Double, than b: Double) -> Bool { configuration.mode == .min ? a < b : a > b }
        func stop(_ reason: String) -> (String?, String?) {
            state.stoppedEpoch = epoch
            return ("early stopping: \(name) \(reason)", nil)
        }
        if configuration.checkFinite, !value.isFinite { return stop("is \(value)") }
        if let threshold = configuration.stoppingThreshold, isBetter(value, than: threshold) {
            return stop("is \(value.formatted4), better than \(threshold.formatted4)")
        }
        if let threshold = configuration.divergenceThreshold, isBetter(threshold, than: value) {
            return stop("is \(value.formatted4), worse than \(threshold.formatted4)")
        }
        let delta = configuration.mode == .min ? -configuration.minDelta : configuration.minDelta
        if isBetter(value - delta, than: state.bestScore) {
            let before = state.bestScore
            (state.bestScore, state.waitCount) = (value, 0)
            let line = before.isFinite ? "\(name) better: \(before.formatted4) -> \(value.formatted4)" : nil
            return (nil, configuration.verbose ? line : nil)
        }
        state.waitCount += 1
        guard state.waitCount >= configuration.patience else { return (nil, nil) }
        return stop(
            "was not better than \(state.bestScore.formatted4) in \(state.waitCount) checks, \(value.formatted4) now")
    }
}
