import BackendConformance
import LAM
import NN
import Randomness
import Tensor
import Testing

/// What LaWAM's models do beside the numbers that reference data compares.
@Suite struct LawamModelTests {
    private let backend = TestBackend.cpu(threads: 2)

    private struct Made {
        let model: LawamModel
        let store: ParameterStore
    }

    private func made(_ change: (inout LawamOptions) -> Void = { _ in }) throws -> Made {
        var options = LawamOptions(
            dim: 16, heads: 2, ffnFactor: 3, encLayers: 2, decLayers: 2, codeDim: 8,
            bottleneck: BottleneckChoice(try #require(BottleneckKind.named("vae"))))
        change(&options)
        let store = ParameterStore(backend: backend)
        let model = LawamModel(store.root, featureWidth: 12, options)
        store.allocate(seed: 3)
        return Made(model: model, store: store)
    }

    private func patches(_ name: String = "patches", views: Int = 1) -> Tensor {
        backend.sample([3, 2 * views, 9, 12], name)
    }

    /// Gives parameters that start at zero values, so that everything has an effect.
    private func shake(_ store: ParameterStore) {
        for parameter in store.parameters where parameter.name.contains("adaLN") {
            Samples.floats(parameter.count, parameter.name).map { $0 / 4 }.withUnsafeBytes {
                backend.upload($0, to: parameter.value)
            }
        }
    }

    @Test("blocks start as the identity, so at first no latent changes the prediction, and later each does")
    func identity() throws {
        let made = try made()
        let tape = Tape(on: backend, recording: false)
        func prediction(_ latent: String) -> [Float] {
            backend.floats(
                made.model.reconstruction(of: patches(), latents: [backend.sample([3, 1, 8], latent)], tape))
        }
        #expect(prediction("a") == prediction("b"))
        shake(made.store)
        #expect(prediction("a") != prediction("b"))
    }

    @Test("an evaluation gives the decoder what labels hold, for one query or several, with and without the modal mask")
    func evaluation() throws {
        for (queries, isMasked, kind) in [(1, true, "vae"), (3, true, "vae"), (3, false, "ae"), (2, true, "nsvq")] {
            let made = try made {
                ($0.queries, $0.modalMask) = (queries, isMasked)
                $0.bottleneck = BottleneckKind.named(kind).map { BottleneckChoice($0) } ?? $0.bottleneck
            }
            shake(made.store)
            let tape = Tape(on: backend, recording: false)
            let output = made.model(LatentActionInput(patches: patches()), tape)
            let part = made.model.action
            #expect(output.action.z.shape == [3, part.perPair, 8] && output.recon.shape == [3, 1, 9, 12])
            #expect(part.perPair == (kind == "vae" ? 1 : queries))
            let again = made.model.reconstruction(
                of: LatentActionInput(patches: patches()), latents: [output.action.z], tape)
            let (a, b) = (backend.floats(again), backend.floats(output.recon))
            #expect(zip(a, b).allSatisfy { abs($0 - $1) < 1e-5 })
        }
    }

    @Test("patches do not see queries: more queries leave what the first one reads of patches alone")
    func modalMask() throws {
        var observed: [[Float]] = []
        for queries in [1, 2] {
            let made = try made { $0.queries = queries }
            let tape = Tape(on: backend, recording: false)
            tape.observer = { name, tensor in
                guard name == "encoder.QFormer.layers.1" else { return }
                let values = self.backend.floats(tensor), perSample = tensor.shape[1] * 16
                observed.append((0..<3).flatMap { values[$0 * perSample..<$0 * perSample + 18 * 16] })
            }
            _ = made.model(LatentActionInput(patches: patches()), tape)
        }
        #expect(observed.count == 2 && observed[0] == observed[1])
    }

    @Test("with two views the encoder sees the first, and the decoder starts from and aims at the second")
    func views() throws {
        let made = try made()
        shake(made.store)
        let tape = Tape(on: backend, recording: false)
        let four = patches(views: 2)
        let values = backend.floats(four)
        func part(_ frames: Range<Int>) -> Tensor {
            let size = 9 * 12
            return backend.tensor(
                (0..<3).flatMap { values[($0 * 4 + frames.lowerBound) * size..<($0 * 4 + frames.upperBound) * size] },
                [3, 2, 9, 12])
        }
        let both = made.model(LatentActionInput(patches: four), tape)
        let first = made.model(LatentActionInput(patches: part(0..<2)), tape)
        let second = made.model(LatentActionInput(patches: part(2..<4)), tape)
        #expect(backend.floats(both.action.z) == backend.floats(first.action.z))
        #expect(backend.floats(both.target) == backend.floats(second.target))
        #expect(backend.floats(both.current) == backend.floats(second.current))
    }

    @Test("the head learns from robots alone, and each embodiment has weights of its own")
    func states() throws {
        let made = try made { ($0.maxStateDim, $0.embodiments) = (4, 3) }
        let names = made.model.lossNames.map(\.tag)
        #expect(names == ["recon_loss", "kl_loss", "state_loss"])
        func gradients(_ embodiments: [Int]) throws -> [String: [Float]] {
            let states = RobotStates(
                Samples.floats(24, "states"), isKnown: [Bool](repeating: true, count: 24), embodiments: embodiments,
                width: 4, on: backend)
            made.store.zeroGradients()
            let tape = Tape(on: backend, recording: true)
            let output = made.model(LatentActionInput(patches: patches(), states: states), tape)
            tape.backward(from: output.loss)
            #expect((backend.floats(output.losses[2])[0] > 0) == embodiments.contains { $0 != 0 })
            return Dictionary(
                uniqueKeysWithValues: made.store.trainable.map { ($0.name, $0.gradient.map(backend.floats) ?? []) })
        }
        let robots = try gradients([0, 2, 2])
        let weights = try #require(robots["state_decoder.state_decoder.layer2.W"])
        let perEmbodiment = weights.count / 3
        let touched = (0..<3).map { weights[$0 * perEmbodiment..<($0 + 1) * perEmbodiment].contains { $0 != 0 } }
        #expect(touched == [false, false, true])
        let humans = try gradients([0, 0, 0])
        #expect(humans.filter { $0.key.hasPrefix("state_decoder") }.values.allSatisfy { $0.allSatisfy { $0 == 0 } })
    }

    @Test("ranks that know different numbers of states weigh them as one process does that has all")
    func sharedStates() {
        let values = Samples.floats(40, "states")
        let isKnown = (0..<40).map { $0 < 12 || $0 % 7 == 0 }
        func part(_ samples: Range<Int>) -> RobotStates {
            let numbers = samples.lowerBound * 8..<samples.upperBound * 8
            return RobotStates(
                Array(values[numbers]), isKnown: Array(isKnown[numbers]),
                embodiments: Array([1, 2, 0, 1, 1][samples]), width: 4, on: backend)
        }
        let whole = part(1..<5), halves = [part(1..<3), part(3..<5)]
        #expect(halves[0].knownCount != halves[1].knownCount)
        let known = halves.reduce(0) { $0 + $1.knownCount }
        #expect(known == whole.knownCount)
        let shared = halves.flatMap { half in
            backend.floats(half.shared(ranks: 2, knownByAll: known, on: backend).weights).map { $0 / 2 }
        }
        for (got, expected) in zip(shared, backend.floats(whole.weights)) { #expect(abs(got - expected) < 1e-7) }
        let none = RobotStates(
            [Float](repeating: 0, count: 8), isKnown: [Bool](repeating: false, count: 8), embodiments: [1], width: 4,
            on: backend)
        #expect(
            !none.isAnyKnown
                && backend.floats(none.shared(ranks: 2, knownByAll: 0, on: backend).weights) == [0, 0, 0, 0])
    }

    @Test("LeRobot's sizes have as many parameters as it says")
    func sizes() throws {
        let vae = BottleneckChoice(try #require(BottleneckKind.named("vae")))
        for (dim, heads, factor, layers, expected) in [
            (1024, 16, 4, (24, 12), 639_434_592), (768, 12, 3, (12, 6), 188_588_896),
        ] {
            var options = LawamOptions(
                dim: dim, heads: heads, ffnFactor: factor, encLayers: layers.0, decLayers: layers.1, codeDim: 32,
                bottleneck: vae)
            (options.maxStateDim, options.embodiments) = (14, 32)
            let store = ParameterStore(backend: backend)
            let model = LawamModel(store.root, featureWidth: 768, options)
            #expect(store.trainableCount == expected)
            #expect(ModelFamilies.kind(ofStateDict: Set(store.parameters.map(\.name)).contains) == "lawam")
            #expect(model.forwardFLOPs(patches: 256) > 0)
        }
    }
}
