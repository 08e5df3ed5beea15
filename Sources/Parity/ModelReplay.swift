import Formats
import LAM
import Checkpoints
import LAMTrain
import NN
import OrderedCollections
import Tensor

/// A model with given weights that takes reference training steps.
struct ModelReplay {
    typealias Build = (ParameterScope) -> any LatentActionModeling

    let module: LAMModule
    /// Limit of the gradient norm; nil for cases of one pass.
    private let clipNorm: Double?
    private let prefix: String
    private let featureWidth: Int

    /// A stage-1 model without language.
    ///
    /// - Parameters:
    ///   - file: a state dict; keys may carry `prefix`.
    init(
        config: ParityConfig, clipNorm: Double, beta: Double, weights file: SafeTensors, prefix: String = "",
        autocast: Autocast = .off
    ) throws {
        var optimizer = AdamW.Options()
        optimizer.learningRate = Float(try config.double("optimizer", "lr"))
        optimizer.weightDecay = Float(try config.double("optimizer", "weight_decay"))
        let featureWidth = try config.int("dino_dim")
        let options = try config.modelOptions(beta: beta)
        try self.init(
            featureWidth: featureWidth, weights: file, prefix: prefix, optimizer: optimizer, clipNorm: clipNorm,
            autocast: autocast
        ) { LatentActionModel($0, featureWidth: featureWidth, options) }
    }

    /// - Parameter build: declares the model, as often as it is called.
    init(
        featureWidth: Int, weights file: SafeTensors, prefix: String = "", optimizer: AdamW.Options = .init(),
        clipNorm: Double? = nil, autocast: Autocast = .off, _ build: Build
    ) throws {
        self.featureWidth = featureWidth
        self.prefix = prefix
        self.clipNorm = clipNorm
        let backend = ParityBackend.open()
        // Before any memory is taken for the model: its sizes come from a file.
        let declared = ParameterStore(backend: backend)
        _ = build(declared.root)
        try Self.check(file, prefix: prefix, has: declared.parameters)
        module = LAMModule(backend: backend, optimizer: optimizer, seed: 0, autocast: autocast, model: build)
        var stateDict: OrderedDictionary<String, StoredTensor> = [:]
        for (name, weight) in file.tensors {
            stateDict[LightningCheckpoint.modelPrefix + name.dropFirst(name.hasPrefix(prefix) ? prefix.count : 0)] =
                weight
        }
        try module.restore(LightningCheckpoint(epoch: 0, globalStep: 0, stateDict: stateDict))
    }

    private static func check(_ file: SafeTensors, prefix: String, has parameters: [Parameter]) throws {
        for parameter in parameters {
            let name = prefix + parameter.name
            guard let weight = file.tensors[name] else {
                throw CheckpointError.missingTensors(path: file.path, names: [name])
            }
            guard weight.shape == parameter.shape else {
                throw CheckpointError.shape(
                    path: file.path, tensor: name, expected: parameter.shape, got: weight.shape)
            }
        }
    }

    /// The features `name` of a file, `[B, 2, N, D]`.
    func patches(_ file: SafeTensors, _ name: String) throws -> Tensor {
        let stored = try file.tensor(name)
        let shape = stored.shape
        guard shape.count == 4, shape[0] > 0, shape[1] == 2, shape[2] > 0, shape[3] == featureWidth else {
            throw ParityError.badTensor(
                path: file.path, name: name, expected: "patches [B, 2, N, \(featureWidth)]", got: shape)
        }
        return module.backend.tensor(stored.floats(), shape)
    }

    /// One training step; returns its result and the gradient norm before clipping.
    func step(_ file: SafeTensors, _ name: String) throws -> (result: LAMModule.BatchResult, norm: Double) {
        let (_, result) = try module.trainingStep(try patches(file, name))
        let norm = module.backend.doubles(
            module.optimizerStep(learningRate: module.optimizer.options.learningRate, clipNorm: clipNorm))[0]
        return (result, norm)
    }

    /// Compares every parameter with the reference state dict.
    func compareWeights(
        with reference: OrderedDictionary<String, StoredTensor>, in report: inout ParityReport,
        _ tolerance: ParityTolerance
    ) {
        for parameter in module.store.parameters {
            guard let expected = reference[prefix + parameter.name] else {
                report.check("final \(parameter.name)", false, otherwise: "missing in the reference")
                continue
            }
            report.compare(
                "final \(parameter.name)", module.backend.floats(parameter.value), to: expected, within: tolerance)
        }
    }
}
