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

    /// - Parameters:
    ///   - weights: a state dict; keys may carry `prefix`.
    init(
        config: ParityConfig, clipNorm: Double, beta: Double, weights: OrderedDictionary<String, StoredTensor>, prefix: String = ""
    ) throws {
        self.clipNorm = clipNorm
        self.prefix = prefix
        var optimizer = AdamW.Options()
        optimizer.learningRate = Float(try config.double("optimizer", "lr"))
        optimizer.weightDecay = Float(try config.double("optimizer", "weight_decay"))
        module = LAMModule(
            backend: CPUBackend(), featureWidth: try config.int("dino_dim"),
            options: LatentActionModelOptions(
                modelDim: try config.int("model_dim"), latentDim: try config.int("latent_dim"),
                numLatents: try config.int("num_latents"), encBlocks: try config.int("enc_blocks"),
                decBlocks: try config.int("dec_blocks"), numHeads: try config.int("num_heads"), vqBeta: Float(beta),
                usage: .original),
            optimizer: optimizer, seed: 0)
        var stateDict: OrderedDictionary<String, StoredTensor> = [:]
        for (name, weight) in weights {
            stateDict[LAMModule.stateDictPrefix + name.dropFirst(name.hasPrefix(prefix) ? prefix.count : 0)] = weight
        }
        try module.restore(LightningCheckpoint(epoch: 0, globalStep: 0, stateDict: stateDict))
    }

    func patches(_ stored: StoredTensor) -> Tensor { module.backend.tensor(stored.floats(), stored.shape) }

    /// One training step; returns its result and the gradient norm before clipping.
    func step(_ stored: StoredTensor) -> (result: LAMModule.BatchResult, norm: Double) {
        let (_, result) = module.trainingStep(patches(stored))
        let norm = module.optimizerStep(learningRate: module.optimizer.options.learningRate, clipNorm: clipNorm)
        return (result, norm)
    }

    /// Compares every parameter with the reference state dict.
    func compareWeights(
        with reference: OrderedDictionary<String, StoredTensor>, in report: inout ParityReport, _ tolerance: ParityTolerance
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
