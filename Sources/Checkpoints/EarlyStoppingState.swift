import Formats

/// What Lightning's `EarlyStopping` callback remembers.
public struct EarlyStoppingState: Equatable, Sendable {
    public var monitor: String
    /// `min` or `max`.
    public var mode: String
    public var patience: Int
    /// Checks since the value was better.
    public var waitCount = 0
    /// The epoch that ended the run; 0 before.
    public var stoppedEpoch = 0
    public var bestScore: Double

    public init(monitor: String, mode: String, patience: Int) {
        (self.monitor, self.mode, self.patience) = (monitor, mode, patience)
        bestScore = mode == "max" ? -.infinity : .infinity
    }

    /// The key under `callbacks`, as Python prints the settings.
    public var key: String { "EarlyStopping{'monitor': '\(monitor)', 'mode': '\(mode)'}" }

    public var pickle: PickleValue {
        [
            "wait_count": .int(waitCount),
            "stopped_epoch": .int(stoppedEpoch),
            "best_score": .tensor(TorchTensor(StoredTensor(floats: [Float(bestScore)], shape: []))),
            "patience": .int(patience),
        ]
    }

    /// Nil for the state of another callback.
    init?(key: String, _ reader: CheckpointReader) throws(CheckpointError) {
        guard let settings = key.wholeMatch(of: #/EarlyStopping\{'monitor': '([^']*)', 'mode': '(min|max)'\}/#) else {
            return nil
        }
        self.init(
            monitor: String(settings.output.1), mode: String(settings.output.2),
            patience: try reader("patience").int())
        waitCount = try reader("wait_count").int()
        stoppedEpoch = try reader("stopped_epoch").int()
        let score = try reader("best_score").tensor()
        guard score.count == 1, (0...(1 << 53)).contains(waitCount) else { throw reader.fault("a score and counts") }
        bestScore = Double(score.floats()[0])
    }
}

extension LightningCheckpoint {
    /// The state of all `EarlyStopping` callbacks.
    public func earlyStoppings() throws(CheckpointError) -> [EarlyStoppingState] {
        var states: [EarlyStoppingState] = []
        for (key, value) in callbacks.entries {
            guard case .string(let name) = key else { continue }
            let reader = CheckpointReader(path: path, key: "callbacks.\(name)", value: value)
            if let state = try EarlyStoppingState(key: name, reader) { states.append(state) }
        }
        return states
    }
}
