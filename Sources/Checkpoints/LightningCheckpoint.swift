import Formats
import NN
import OrderedCollections

/// A training checkpoint in the file format of PyTorch Lightning: `epoch=0-step=20000.ckpt`, `last.ckpt`.
///
/// Files written here load with `torch.load(weights_only=True)` and resume in Lightning; files of Lightning load here.
/// Tensors borrow from the memory-mapped file when read, and from their owner when written: nothing is copied, so the
/// owner must not change them until `write(to:)` has returned.
public struct LightningCheckpoint: Sendable {
    /// What this project's trainer keeps beyond Lightning, under the top-level key `lam_trainer`: the data stream's
    /// position, random number generators, usage counters. Lightning ignores it.
    public struct TrainerState: Sendable {
        public var strings: OrderedDictionary<String, String>
        public var tensors: OrderedDictionary<String, StoredTensor>

        public init(
            strings: OrderedDictionary<String, String> = [:], tensors: OrderedDictionary<String, StoredTensor> = [:]
        ) {
            self.strings = strings
            self.tensors = tensors
        }
    }

    /// What Lightning's callbacks that average weights add: `state_dict` then holds the average.
    public struct Averaging: Sendable {
        /// The weights that training goes on from, under `current_model_state`.
        public var currentModel: OrderedDictionary<String, StoredTensor>
        /// Updates of the average so far, `n_averaged` under `averaging_state`.
        public var updates: Int

        public init(currentModel: OrderedDictionary<String, StoredTensor>, updates: Int) {
            self.currentModel = currentModel
            self.updates = updates
        }
    }

    /// Settings that a module was made with: `hparams_name` and `hyper_parameters`, or the same of the data module.
    public struct HyperParameters: Sendable {
        public var name: String
        public var values: PickleValue

        public init(name: String = "kwargs", values: PickleValue) {
            self.name = name
            self.values = values
        }
    }

    /// What Lightning puts before the model's own names: the original's module has the model as its member `lam`.
    package static let modelPrefix = "lam."

    /// The Lightning release whose structure is written; Lightning upgrades older structures by this number.
    public static let lightningVersion = "2.6.6"

    /// Where it was read from, for messages.
    public private(set) var path = "(checkpoint in memory)"
    public var epoch: Int
    public var globalStep: Int
    public var lightningVersion = Self.lightningVersion
    /// The model's tensors by name, such as `lam.vq.codebook.weight`, in registration order.
    public var stateDict: OrderedDictionary<String, StoredTensor>
    public var optimizers: [AdamWState] = []
    public var lrSchedulers: [PickleValue] = []
    /// Lightning's loop counters; see `LightningProgress`.
    public var loops: PickleValue?
    /// State by callback, under keys such as `ModelCheckpoint{'monitor': None, …}`.
    public var callbacks = PickleDict()
    public var hyperParameters: HyperParameters?
    public var dataHyperParameters: HyperParameters?
    public var trainer: TrainerState?
    public var averaging: Averaging?
    /// Entries that Lightning's plug-ins add, such as `MixedPrecision`.
    public var other = PickleDict()

    public init(epoch: Int, globalStep: Int, stateDict: OrderedDictionary<String, StoredTensor>) {
        self.epoch = epoch
        self.globalStep = globalStep
        self.stateDict = stateDict
    }

    /// The same with the weights that training goes on from in the place of averaged ones.
    package var withCurrentModel: LightningCheckpoint {
        var checkpoint = self
        if let averaging { checkpoint.stateDict = averaging.currentModel }
        return checkpoint
    }

    /// The counters of `loops`; nil if the file has none.
    public func progress() throws(CheckpointError) -> LightningProgress? {
        guard let loops else { return nil }
        return try LightningProgress(CheckpointReader(path: path, key: "loops", value: loops))
    }

    /// The tensors a model needs, in its order.
    /// - Parameter shapes: the model's parameter names and shapes. Further tensors in the file are of no concern.
    /// - Throws: `missingTensors` with all the names that are missing, or `shape` for the first that differs.
    public func tensors(
        matching shapes: OrderedDictionary<String, [Int]>
    ) throws(CheckpointError) -> OrderedDictionary<String, StoredTensor> {
        let missing = shapes.keys.filter { stateDict[$0] == nil }
        guard missing.isEmpty else { throw .missingTensors(path: path, names: Array(missing)) }
        var result: OrderedDictionary<String, StoredTensor> = [:]
        for (name, shape) in shapes {
            guard let tensor = stateDict[name] else { continue }
            guard tensor.shape == shape else {
                throw .shape(path: path, tensor: name, expected: shape, got: tensor.shape)
            }
            result[name] = tensor
        }
        return result
    }

    /// Names of all parameters by the optimiser's groups, in the order of their indices: those that decay, then those
    /// that do not, where there are any. They include those of frozen encoders in the file.
    package func parameterGroups(undecayed: Set<ParameterKind>) -> [[String]] {
        // T5 registers its embedding twice: a state dict then lists both names, the optimiser counts one parameter.
        let alias = ".encoder.embed_tokens.weight", original = ".shared.weight"
        let parameters = stateDict.filter { name, _ in
            !name.hasSuffix(alias) || stateDict[name.dropLast(alias.count) + original] == nil
        }
        guard !undecayed.isEmpty else { return [Array(parameters.keys)] }
        func decays(_ name: String, _ tensor: StoredTensor) -> Bool {
            ParameterKind(name: name, shape: tensor.shape).map { !undecayed.contains($0) } ?? true
        }
        return [
            parameters.filter { decays($0.key, $0.value) }.map(\.key),
            parameters.filter { !decays($0.key, $0.value) }.map(\.key),
        ]
    }

    /// Reads a checkpoint, with all that is needed to resume.
    /// - Throws: `CheckpointError`; a cut or damaged file is `.file`.
    public init(contentsOf path: String) throws(CheckpointError) {
        let root = try Self.root(of: path)
        epoch = try root("epoch").count()
        globalStep = try root("global_step").count()
        lightningVersion = try root("pytorch-lightning_version").string()
        stateDict = try Self.namedTensors(root("state_dict"))
        for state in try root.optional("optimizer_states")?.elements() ?? [] {
            optimizers.append(try AdamWState(state))
        }
        lrSchedulers = try root.optional("lr_schedulers")?.elements().map(\.value) ?? []
        loops = try root.optional("loops")?.value
        if let callbacks = try root.optional("callbacks") {
            guard let dict = callbacks.value.dict else { throw callbacks.fault("a dictionary") }
            self.callbacks = dict
        }
        hyperParameters = try Self.hyperParameters(root, prefix: "")
        dataHyperParameters = try Self.hyperParameters(root, prefix: "datamodule_")
        if let trainer = try root.optional("lam_trainer") { self.trainer = try TrainerState(trainer) }
        // As in Lightning, one without the other says nothing.
        if let model = try root.optional("current_model_state"), let state = try root.optional("averaging_state") {
            averaging = Averaging(
                currentModel: try Self.namedTensors(model), updates: try state("n_averaged").integerTensor())
        }
        for (key, entry) in try root.entries() {
            guard case .string(let name) = key, !Self.knownKeys.contains(name) else { continue }
            other[key] = entry.value
        }
        self.path = path
    }

    /// Reads only the model's tensors, from a Lightning checkpoint of any module and optimiser or from a bare state
    /// dict.
    public static func stateDict(
        contentsOf path: String
    ) throws(CheckpointError) -> OrderedDictionary<String, StoredTensor> {
        let root = try root(of: path)
        return try namedTensors(root.optional("state_dict") ?? root)
    }

    /// Writes the checkpoint, whole or not at all.
    /// - Throws: `CheckpointError.file`; an older file of that name is then unchanged.
    public func write(to path: String) throws(CheckpointError) {
        do throws(FormatError) {
            // Lightning saves through a stream, for which torch names the root folder "archive".
            try TorchFile.write(pickle, to: path, rootFolder: "archive")
        } catch {
            throw .file(error)
        }
    }

    private static let knownKeys: Set<String> = [
        "epoch", "global_step", "pytorch-lightning_version", "state_dict", "loops", "callbacks", "optimizer_states",
        "lr_schedulers", "hparams_name", "hyper_parameters", "datamodule_hparams_name", "datamodule_hyper_parameters",
        "lam_trainer", "current_model_state", "averaging_state",
    ]

    private var pickle: PickleValue {
        var root: PickleDict = [
            "epoch": .int(epoch),
            "global_step": .int(globalStep),
            "pytorch-lightning_version": .string(lightningVersion),
            "state_dict": .dict(Self.pickle(stateDict, isOrderedDict: true)),
        ]
        if let loops { root["loops"] = loops }
        root["callbacks"] = .dict(callbacks)
        root["optimizer_states"] = .list(optimizers.map(\.pickle))
        root["lr_schedulers"] = .list(lrSchedulers)
        for (key, value) in other.entries { root[key] = value }
        if let averaging {
            root["current_model_state"] = .dict(Self.pickle(averaging.currentModel, isOrderedDict: true))
            let updates = StoredTensor(int64s: [Int64(averaging.updates)], shape: [])
            root["averaging_state"] = ["n_averaged": .tensor(TorchTensor(updates))]
        }
        if let hyperParameters {
            root["hparams_name"] = .string(hyperParameters.name)
            root["hyper_parameters"] = hyperParameters.values
        }
        if let dataHyperParameters {
            root["datamodule_hparams_name"] = .string(dataHyperParameters.name)
            root["datamodule_hyper_parameters"] = dataHyperParameters.values
        }
        if let trainer { root["lam_trainer"] = trainer.pickle }
        return .dict(root)
    }

    private static func root(of path: String) throws(CheckpointError) -> CheckpointReader {
        do throws(FormatError) {
            return CheckpointReader(path: path, key: "", value: try TorchFile(path: path).root)
        } catch {
            throw .file(error)
        }
    }

    private static func hyperParameters(
        _ root: CheckpointReader, prefix: String
    ) throws(CheckpointError) -> HyperParameters? {
        guard let values = try root.optional("\(prefix)hyper_parameters") else { return nil }
        let name = try root.optional("\(prefix)hparams_name")?.string()
        return HyperParameters(name: name ?? "kwargs", values: values.value)
    }

    fileprivate static func namedTensors(
        _ reader: CheckpointReader
    ) throws(CheckpointError) -> OrderedDictionary<String, StoredTensor> {
        guard let tensors = reader.value.namedTensors else {
            throw .wrongType(
                path: reader.path, key: reader.key.isEmpty ? "state_dict" : reader.key,
                expected: "a dictionary of names and tensors")
        }
        return tensors
    }

    fileprivate static func pickle(
        _ tensors: OrderedDictionary<String, StoredTensor>, isOrderedDict: Bool
    ) -> PickleDict {
        var dict = PickleDict([:], isOrderedDict: isOrderedDict)
        for (name, tensor) in tensors { dict[.string(name)] = .tensor(TorchTensor(tensor)) }
        return dict
    }
}

extension LightningCheckpoint.TrainerState {
    fileprivate init(_ reader: CheckpointReader) throws(CheckpointError) {
        self.init()
        for (key, entry) in try reader("strings").entries() {
            guard case .string(let name) = key else { throw entry.fault("a name as key") }
            strings[name] = try entry.string()
        }
        tensors = try LightningCheckpoint.namedTensors(reader("tensors"))
    }

    fileprivate var pickle: PickleValue {
        var strings = PickleDict()
        for (name, text) in self.strings { strings[.string(name)] = .string(text) }
        return [
            // Nothing is kept as an integer any more, but earlier versions refuse a file without the entry.
            "strings": .dict(strings), "integers": .dict(PickleDict()),
            "tensors": .dict(LightningCheckpoint.pickle(tensors, isOrderedDict: false)),
        ]
    }
}
