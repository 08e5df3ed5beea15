import Formats
import LAM
import NN
import OrderedCollections
import Tensor

/// A stage-1 model with given weights that takes reference training steps.
struct StageOneReplay {
    let module: LAMModule
    private let clipNorm: Double
    private let prefix: String
    private let featureWidth: Int

    /// - Parameters:
    ///   - file: a state dict; keys may carry `prefix`.
    init(
        config: ParityConfig, clipNorm: Double, beta: Double, weights file: SafeTensors, prefix: String = ""
    ) throws {
        let weights = file.tensors
        let path = file.path
        self.clipNorm = clipNorm
        self.prefix = prefix
        var optimizer = AdamW.Options()
        optimizer.learningRate = Float(try config.double("optimizer", "lr"))
        optimizer.weightDecay = Float(try config.double("optimizer", "weight_decay"))
        featureWidth = try config.int("dino_dim")
        let options = try config.modelOptions(beta: beta)
        let backend = CPUBackend()
        try Self.check(weights, path: path, prefix, ParameterStore(backend: backend), featureWidth, options)
        module = LAMModule(
            backend: backend, featureWidth: featureWidth, options: options, optimizer: optimizer, seed: 0)
        var stateDict: OrderedDictionary<String, StoredTensor> = [:]
        for (name, weight) in weights {
            stateDict[LAMModule.stateDictPrefix + name.dropFirst(name.hasPrefix(prefix) ? prefix.count : 0)] = weight
        }
        try module.restore(LightningCheckpoint(epoch: 0, globalStep: 0, stateDict: stateDict))
    }

    /// Compares the weights' shapes with the model's before any memory is taken for it: the sizes come from a file.
    private static func check(
        _ weights: OrderedDictionary<String, StoredTensor>, path: String, _ prefix: String, _ declared: ParameterStore,
        _ featureWidth: Int, _ options: LatentActionModelOptions
    ) throws {
        _ = LatentActionModel(declared.root, featureWidth: featureWidth, options)
        for parameter in declared.parameters {
            let name = prefix + parameter.name
            guard let weight = weights[name] else { throw CheckpointError.missingTensors(path: path, names: [name]) }
            guard weight.shape == parameter.shape else {
                throw CheckpointError.shape(path: path, tensor: name, expected: parameter.shape, got: weight.shape)
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
        let (_, result) = module.trainingStep(try patches(file, name))
        let norm = module.optimizerStep(learningRate: module.optimizer.options.learningRate, clipNorm: clipNorm)
        return (result, norm)
    }

    /// Compares every parameter with the reference state dict.
    func compareWeights(
        with reference: OrderedDictionary<String, StoredTensor>, in report: inout ParityReport,
        _ tolerance: ParityTolerance
    ) {
        for parameter in module.store.parameters {
            guard let expected = reference[prefix + parameter.name] else {
                report.check("final \(parameter.name)", false, "missing in the reference")
                continue
            }
            report.compare("final \(parameter.name)", module.backend.floats(parameter.value), to: expected, tolerance)
        }
    }
}
