import Formats
import OrderedCollections

/// What Lightning's `ModelCheckpoint` callback remembers: which files it has kept, and their scores.
public struct ModelCheckpointState: Equatable, Sendable {
    public var monitor: String?
    /// `min` or `max`.
    public var mode: String
    public var everyNTrainSteps: Int
    public var everyNEpochs: Int
    public var dirpath = ""
    public var bestModelPath = ""
    public var bestModelScore: Float?
    public var currentScore: Float?
    /// Score by path.
    public var bestKModels: OrderedDictionary<String, Float> = [:]
    public var kthBestModelPath = ""
    /// The worst score among the kept; before there is one, the worst there can be.
    public var kthValue: Float
    public var lastModelPath = ""

    public init(everyNTrainSteps: Int, everyNEpochs: Int = 0, monitor: String? = nil, mode: String = "min") {
        self.monitor = monitor
        self.mode = mode
        self.everyNTrainSteps = everyNTrainSteps
        self.everyNEpochs = everyNEpochs
        kthValue = mode == "max" ? -.infinity : .infinity
    }

    /// The key under `callbacks`: the class and, as Python prints them, the settings that tell two such callbacks
    /// apart.
    public var key: String {
        "ModelCheckpoint{'monitor': \(monitor.map { "'\($0)'" } ?? "None"), 'mode': '\(mode)', "
            + "'every_n_train_steps': \(everyNTrainSteps), 'every_n_epochs': \(everyNEpochs), "
            + "'train_time_interval': None}"
    }

    public var pickle: PickleValue {
        var models = PickleDict()
        for (path, score) in bestKModels { models[.string(path)] = Self.scalar(score) }
        return [
            "monitor": monitor.map { .string($0) } ?? .none,
            "best_model_score": bestModelScore.map(Self.scalar) ?? .none,
            "best_model_path": .string(bestModelPath),
            "current_score": currentScore.map(Self.scalar) ?? .none,
            "dirpath": .string(dirpath),
            "best_k_models": .dict(models),
            "kth_best_model_path": .string(kthBestModelPath),
            "kth_value": Self.scalar(kthValue),
            "last_model_path": .string(lastModelPath),
        ]
    }

    private static func scalar(_ value: Float) -> PickleValue {
        .tensor(TorchTensor(StoredTensor(floats: [value], shape: [])))
    }
}

extension ModelCheckpointState {
    /// Nil for the state of another callback, or of settings that this type does not have.
    init?(key: String, _ reader: CheckpointReader) throws(CheckpointError) {
        guard let settings = key.wholeMatch(of: Self.settings),
            let steps = Int(settings.output.3), let epochs = Int(settings.output.4)
        else { return nil }
        self.init(everyNTrainSteps: steps, everyNEpochs: epochs, mode: String(settings.output.2))
        monitor = settings.output.1.map(String.init)
        dirpath = try reader("dirpath").string()
        bestModelPath = try reader("best_model_path").string()
        bestModelScore = try Self.score(reader("best_model_score"))
        currentScore = try Self.score(reader("current_score"))
        for (path, score) in try reader("best_k_models").entries() {
            guard case .string(let path) = path, let score = try Self.score(score) else {
                throw score.fault("a path and a score")
            }
            bestKModels[path] = score
        }
        kthBestModelPath = try reader("kth_best_model_path").string()
        kthValue = try Self.score(reader("kth_value")) ?? kthValue
        lastModelPath = try reader("last_model_path").string()
    }

    private static var settings: Regex<(Substring, Substring?, Substring, Substring, Substring)> {
        #/
        ModelCheckpoint\{'monitor':\ (?:None|'([^']*)'),\ 'mode':\ '(min|max)',
        \ 'every_n_train_steps':\ (\d+),\ 'every_n_epochs':\ (\d+),\ 'train_time_interval':\ None\}
        /#
    }

    private static func score(_ reader: CheckpointReader) throws(CheckpointError) -> Float? {
        if reader.value.isNone { return nil }
        if let number = reader.value.double { return Float(number) }
        let values = try reader.tensor()
        guard values.count == 1 else { throw reader.fault("a single number") }
        return values.floats()[0]
    }
}

extension LightningCheckpoint {
    /// The state of all `ModelCheckpoint` callbacks.
    public func modelCheckpoints() throws(CheckpointError) -> [ModelCheckpointState] {
        var states: [ModelCheckpointState] = []
        for (key, value) in callbacks.entries {
            guard case .string(let name) = key else { continue }
            let reader = CheckpointReader(path: path, key: "callbacks.\(name)", value: value)
            if let state = try ModelCheckpointState(key: name, reader) { states.append(state) }
        }
        return states
    }
}
