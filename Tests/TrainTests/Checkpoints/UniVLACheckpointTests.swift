import BackendConformance
import Formats
import LAM
import Checkpoints
import LAMTrain
import NN
import OrderedCollections
import Randomness
import Tensor
import TestSupport
import Testing

/// Checkpoints as UniVLA's stage 1 writes them: with a frozen DINOv2 between the first parameters and a frozen T5
/// before the last ones.
@Suite struct UniVLACheckpointTests {
    private static let (featureWidth, languageWidth) = (12, 10)

    private func module(seed: UInt64) -> LAMModule {
        LAMModule(
            backend: TestBackend.cpu(threads: 1), featureWidth: Self.featureWidth, languageWidth: Self.languageWidth,
            options: LatentActionModelOptions(
                modelDim: 16, latentDim: 6, numLatents: 8, encBlocks: 1, decBlocks: 1, numHeads: 2),
            optimizer: AdamW.Options(), seed: seed)
    }

    private func step(_ module: LAMModule, _ index: Int) throws -> Float {
        var generator = RandomGenerator(seed: UInt64(index), purpose: "batch")
        func tensor(_ shape: [Int]) -> Tensor {
            module.backend.tensor(Initializer.uniform(bound: 2).values(shape.reduce(1, *), &generator), shape)
        }
        let patches = tensor([2, 2, 4, Self.featureWidth])
        let language = LanguageTokens(hidden: tensor([2, 3, Self.languageWidth]), mask: [1, 1, 1, 1, 0, 0])
        let (_, result) = try module.trainingStep(patches, language: language)
        _ = module.optimizerStep(learningRate: 1e-3, clipNorm: 0.1)
        return result.loss
    }

    /// `checkpoint` with UniVLA's frozen encoders, counted as torch counts them.
    private func withFrozenEncoders(_ checkpoint: LightningCheckpoint) -> LightningCheckpoint {
        let small = StoredTensor(floats: [1], shape: [1])
        let dino = ["cls_token", "pos_embed", "register_tokens", "mask_token"].map { "lam.dino_encoder.\($0)" }
        // `parameters()` has T5's shared embedding once, `state_dict()` under two names.
        let alias = "lam.text_encoder.encoder.embed_tokens.weight"
        let t5 = ["lam.text_encoder.shared.weight", alias, "lam.text_encoder.encoder.final_layer_norm.weight"]
        var stateDict: OrderedDictionary<String, StoredTensor> = [:]
        for (name, tensor) in checkpoint.stateDict {
            if name == "lam.lang_proj.weight" { for name in t5 { stateDict[name] = small } }
            stateDict[name] = tensor
            if name == "lam.action_latent" { for name in dino { stateDict[name] = small } }
        }
        let counted = stateDict.keys.filter { $0 != alias }
        var moments: OrderedDictionary<Int, AdamWState.Moments> = [:]
        for (index, name) in counted.enumerated() {
            guard let own = checkpoint.stateDict.index(forKey: name) else { continue }
            moments[index] = checkpoint.optimizers.first?.moments[own]
        }
        var changed = LightningCheckpoint(
            epoch: checkpoint.epoch, globalStep: checkpoint.globalStep, stateDict: stateDict)
        changed.optimizers = [
            AdamWState(moments: moments, groups: [AdamWState.Group(lr: 1e-3, params: Array(counted.indices))])
        ]
        return changed
    }

    @Test("its weights and moments are found among those of the frozen encoders, and training goes on bit for bit")
    func restore() throws {
        let trained = module(seed: 1)
        for index in 0..<3 { _ = try step(trained, index) }
        let own = trained.checkpoint(epoch: 0, globalStep: 3, learningRate: 1e-3, hasSchedule: false)
        #expect(own.stateDict.keys.suffix(2) == ["lam.lang_proj.weight", "lam.lang_proj.bias"])
        let folder = try TemporaryFolder()
        let path = folder.path("univla.ckpt")
        try withFrozenEncoders(own).write(to: path)

        let resumed = module(seed: 2)
        try resumed.restore(LightningCheckpoint(contentsOf: path))
        #expect(resumed.optimizer.step == 3)
        for index in 3..<6 {
            #expect(try step(resumed, index) == step(trained, index))
        }
        let backend = trained.backend
        #expect(resumed.backend.floats(resumed.store.values) == backend.floats(trained.store.values))
        #expect(resumed.backend.floats(resumed.optimizer.expAvg) == backend.floats(trained.optimizer.expAvg))
        #expect(resumed.backend.floats(resumed.optimizer.expAvgSq) == backend.floats(trained.optimizer.expAvgSq))
    }

    @Test("a model with instructions needs their projection, which is named")
    func missingProjection() throws {
        let own = module(seed: 1).checkpoint(epoch: 0, globalStep: 0, learningRate: 1e-3, hasSchedule: false)
        var stateDict = own.stateDict
        stateDict["lam.lang_proj.bias"] = nil
        let cut = LightningCheckpoint(epoch: 0, globalStep: 0, stateDict: stateDict)
        #expect(throws: CheckpointError.missingTensors(path: cut.path, names: ["lam.lang_proj.bias"])) {
            try module(seed: 2).restore(cut)
        }
    }
}
