import BackendConformance
import LAM
import NN
import Randomness
import Tensor
import Testing

/// What models make of a bottleneck, with codes and without.
@Suite struct BottleneckTests {
    private func options(_ bottleneck: BottleneckChoice) -> LatentActionModelOptions {
        LatentActionModelOptions(
            modelDim: 32, latentDim: 8, numLatents: 6, encBlocks: 1, decBlocks: 1, numHeads: 2, bottleneck: bottleneck)
    }

    @Test("a model with continuous latents trains, has no codes and only its reconstruction's loss")
    func continuous() throws {
        let backend = TestBackend.cpu(threads: 1)
        let store = ParameterStore(backend: backend)
        var open = BottleneckChoice(try #require(BottleneckKind.named("ae")))
        open["layer_norm"] = .flag(false)
        let model = LatentActionModel(store.root, featureWidth: 12, options(open))
        store.allocate(seed: 3)
        #expect(!store.parameters.contains { $0.name.hasPrefix("vq") })
        #expect(model.lossNames.map(\.tag) == ["mse_loss"] && model.action.histogram() == nil)
        #expect(model.action.width == 32 && model.action.bottleneck.usage.isEmpty)

        var generator = RandomGenerator(seed: 4, purpose: "patches")
        let patches = backend.tensor(Initializer.uniform(bound: 1).values(2 * 2 * 9 * 12, &generator), [2, 2, 9, 12])
        let tape = Tape(on: backend, recording: true)
        let output = model(patches, tape)
        #expect(output.action.indices == nil && output.losses.count == 1)
        #expect(backend.floats(output.loss) == backend.floats(output.losses[0]))
        tape.backward(from: output.loss)
        let encoder = try #require(store.parameters.first { $0.name == "to_codebook.weight" }?.gradient)
        #expect(backend.floats(encoder).contains { $0 != 0 }, "the loss reaches the encoder through the latents")
        let recon = model.reconstruction(
            of: patches, latents: [output.action.z], Tape(on: backend, recording: false))
        #expect(backend.floats(recon) == backend.floats(output.recon))
    }

    @Test("terms and code use are named by kind of latents, and add up by name")
    func names() throws {
        let store = ParameterStore(backend: TestBackend.cpu(threads: 1))
        let model = ControllableLatentActionModel(
            store.root, featureWidth: 12, frozenCodes: 4, options(BottleneckChoice()))
        var losses = LossTerms(model.lossNames, [1, 2, 3, 4, 5, 6])
        losses += LossTerms(model.lossNames, [1, 1, 1, 1, 1, 1])
        #expect(losses.total == 2 && losses.reconstruction == 3)
        #expect(losses["commit_loss_uncontrol"] == 7 && losses["nothing"] == nil)
        #expect((losses / 2)["q_loss"] == 2 && (losses * 2)["q_loss"] == 8)
        let frozen = model.latentParts[1]
        var codes = try #require(frozen.histogram([2, 0, 0, 1]))
        codes += try #require(frozen.histogram([0, 1, 0, 0]))
        #expect(codes.name == "code_usage_uncontrol" && codes.counts == [2, 1, 0, 1])
        #expect(codes.used == 3 && codes.usage == 0.75 && CodeHistogram(codes: 4).perplexity == 0)
        #expect(abs(CodeHistogram([0, 1, 2, 3], codes: 8).perplexity - 4) < 1e-12)
    }

    @Test("what a file of weights is of is told by its names, and the parts of a model have names of their own")
    func families() throws {
        let store = ParameterStore(backend: TestBackend.cpu(threads: 1))
        let second: any ModelFamily = TwoStageFamily(.stage2, options(BottleneckChoice()), frozenCodes: 4)
        let model = second.model(store.root, featureWidth: 12, languageWidth: nil)
        let names = Set(store.parameters.map(\.name))
        #expect(ModelFamilies.kind(ofStateDict: names.contains) == second.kind)
        #expect(ModelFamilies.kind(ofStateDict: { $0 == "action_latent" }) == "stage-1")
        #expect(model.family.kind == "stage-2")
        #expect((model.family as? TwoStageFamily)?.frozenCodes == 4)
        #expect(second.remedy(forCheckpointOf: "stage-1").contains("model.stage_one_ckpt"))
        let parts = store.parameters.map { second.part(ofParameter: $0.name) }
        #expect(parts.contains("encoder.transformer_blocks.0") && parts.contains("decoder.ffn") && parts.contains("vq"))
        #expect(second.part(ofActivation: "encoder.block0") == "encoder.transformer_blocks.0")
        #expect(second.part(ofActivation: "encoder.block0.ffn") == nil && second.part(ofActivation: "patch_up") == nil)
    }
}
