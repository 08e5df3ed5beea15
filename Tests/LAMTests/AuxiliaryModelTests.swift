import BackendConformance
import LAM
import NN
import Randomness
import Tensor
import Testing

/// Terms of the loss that every family can have, and windows of several frames.
@Suite struct AuxiliaryModelTests {
    private let backend = TestBackend.cpu(threads: 2)

    private struct Made {
        let model: any LatentActionModeling
        let store: ParameterStore
    }

    private func made(
        _ family: String, bottleneck: String = "ae", _ change: (inout AuxiliaryTerms) -> Void = { _ in }
    ) throws -> Made {
        let store = ParameterStore(backend: backend)
        let kind = BottleneckChoice(try #require(BottleneckKind.named(bottleneck)))
        let base: any LatentActionModeling
        if family == "lawam" {
            base = LawamModel(
                store.root, featureWidth: 12,
                LawamOptions(
                    dim: 16, heads: 2, ffnFactor: 2, encLayers: 2, decLayers: 1, codeDim: 8, bottleneck: kind))
        } else {
            base = LatentActionModel(
                store.root, featureWidth: 12,
                LatentActionModelOptions(
                    modelDim: 16, latentDim: 8, numLatents: 5, encBlocks: 2, decBlocks: 1, numHeads: 2, bottleneck: kind
                ))
        }
        var terms = AuxiliaryTerms()
        change(&terms)
        let model = terms.isAny ? AuxiliaryModel(base, store.root, terms) : base
        store.allocate(seed: 3)
        return Made(model: model, store: store)
    }

    private func loss(_ made: Made, _ input: LatentActionInput, of term: String? = nil) throws -> Float {
        let output = made.model(input, Tape(on: backend, recording: false))
        guard let term else { return backend.floats(output.loss)[0] }
        return backend.floats(output.losses[try #require(made.model.lossNames.firstIndex { $0.tag == term })])[0]
    }

    /// The gradient along a random direction against the difference of two losses.
    private func checkGradient(_ made: Made, _ input: LatentActionInput, of name: String) throws {
        made.store.zeroGradients()
        let tape = Tape(on: backend, recording: true)
        tape.backward(from: made.model(input, tape).loss)
        let parameter = try #require(made.store.trainable.first { $0.name == name })
        let gradient = backend.floats(try #require(parameter.gradient)), start = backend.floats(parameter.value)
        let size = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
        #expect(size > 0, "\(name) has no gradient")
        let step: Float = 1e-2
        func loss(_ sign: Float) throws -> Double {
            let moved = zip(start, gradient).map { $0 + sign * step * $1 / size }
            moved.withUnsafeBytes { backend.upload($0, to: parameter.value) }
            return Double(try self.loss(made, input))
        }
        let slope = try (loss(1) - loss(-1)) / Double(2 * step)
        start.withUnsafeBytes { backend.upload($0, to: parameter.value) }
        #expect(abs(slope - Double(size)) < 2e-2 * Double(size) + 2e-4, "\(name): \(slope), expected \(size)")
    }

    /// Samples whose frames are all the same.
    private func still(frames: Int) -> Tensor {
        let one = backend.floats(patches(1, "still")), count = 9 * 12
        var all: [Float] = []
        for sample in 0..<3 {
            for _ in 0..<frames { all += one[sample * count..<(sample + 1) * count] }
        }
        return backend.tensor(all, [3, frames, 9, 12])
    }

    private func patches(_ frames: Int, _ name: String = "patches") -> Tensor {
        backend.sample([3, frames, 9, 12], name)
    }

    @Test(
        "the head's error is of labels that are known, reaches the encoder, and is 0 without any",
        arguments: ["lawam", "two-stage"])
    func labels(family: String) throws {
        let made = try made(family) { ($0.labelWidth, $0.labelWeight) = (2, 3) }
        let plain = try self.made(family)
        let values: [Float?] = [0.5, nil, nil, nil, -0.25, 0.75]
        let labels = PairLabels(values, width: 2, on: backend)
        #expect(labels.knownCount == 3)
        let with = LatentActionInput(patches: patches(2), labels: labels)
        let without = LatentActionInput(patches: patches(2))
        let term = try loss(made, with, of: "label_loss")
        #expect(try term > 0 && abs(loss(made, with) - loss(made, without) - 3 * term) < 1e-4)
        #expect(try loss(made, without, of: "label_loss") == 0 && loss(made, without) == loss(plain, without))
        let names = Set(made.store.parameters.map(\.name)).subtracting(plain.store.parameters.map(\.name))
        #expect(names == ["label_head.weight", "label_head.bias"])
        // A label that is not known has no say, whatever stands in its place.
        let other = PairLabels([0.5, nil, nil, nil, -0.25, 0.75], width: 2, on: backend)
        #expect(try loss(made, LatentActionInput(patches: patches(2), labels: other), of: "label_loss") == term)
        let encoder = family == "lawam" ? "encoder.out_proj.weight" : "to_codebook.weight"
        for name in ["label_head.weight", encoder] { try checkGradient(made, with, of: name) }
    }

    @Test("ranks that know different numbers of labels weigh them as one process does that has all")
    func sharedLabels() {
        let values = (0..<8).map { $0 < 3 ? Float($0) : nil }
        let whole = PairLabels(values, width: 2, on: backend)
        let halves = [
            PairLabels(Array(values[..<4]), width: 2, on: backend),
            PairLabels(Array(values[4...]), width: 2, on: backend),
        ]
        let shared = halves.flatMap {
            backend.floats($0.shared(ranks: 2, knownByAll: 3, on: backend).weights).map { $0 / 2 }
        }
        #expect(shared == backend.floats(whole.weights))
    }

    @Test(
        "the reversal term is 0 of latents that a turned pair negates, whatever their scale",
        arguments: ["lawam", "two-stage"])
    func reversal(family: String) throws {
        let made = try made(family) { $0.reversalWeight = 2 }
        let input = LatentActionInput(patches: patches(2))
        let term = try loss(made, input, of: "reversal_loss")
        #expect(term > 0 && term <= 2)
        // A pair of equal frames is its own reversal, so that its latents are as far from cancelling out as can be.
        let still = still(frames: 2)
        #expect(abs(try loss(made, LatentActionInput(patches: still), of: "reversal_loss") - 2) < 1e-5)
        let name = family == "lawam" ? "encoder.out_proj.weight" : "to_codebook.weight"
        try checkGradient(made, input, of: name)
        // Latents that are ten times as large do not change it.
        let bias = family == "lawam" ? "encoder.out_proj.bias" : "to_codebook.bias"
        for parameter in made.store.parameters where [name, bias].contains(parameter.name) {
            backend.floats(parameter.value).map { 10 * $0 }.withUnsafeBytes { backend.upload($0, to: parameter.value) }
        }
        #expect(abs(try loss(made, input, of: "reversal_loss") - term) < 1e-4)
    }

    @Test("the additivity term compares two steps with the one over both", arguments: ["lawam", "two-stage"])
    func additivity(family: String) throws {
        let made = try made(family) { $0.additivityWeight = 2 }
        let input = LatentActionInput(patches: patches(3), frames: 3)
        #expect(try loss(made, input, of: "additivity_loss") > 0)
        try checkGradient(made, input, of: family == "lawam" ? "encoder.out_proj.weight" : "to_codebook.weight")
        // Where nothing moves, one latent stands on either side: |2 x - x|^2 / 3 |x|^2.
        #expect(try loss(made, LatentActionInput(patches: patches(2)), of: "additivity_loss") == 0, "of pairs")
        let still = still(frames: 3)
        #expect(abs(try loss(made, LatentActionInput(patches: still, frames: 3), of: "additivity_loss") - 1 / 3) < 1e-5)
    }

    @Test(
        "of several frames each step has latents and a prediction; LaWAM's steps are pairs by themselves, the other family's first is one"
    )
    func steps() throws {
        for (family, kind) in [("lawam", "ae"), ("two-stage", "ae"), ("two-stage", "vq"), ("two-stage", "vae")] {
            let made = try made(family, bottleneck: kind)
            let tape = Tape(on: backend, recording: false)
            let four = patches(4)
            let values = backend.floats(four), frame = 9 * 12
            func step(_ first: Int) -> Tensor {
                var pair: [Float] = []
                for sample in 0..<3 {
                    let start = (sample * 4 + first) * frame
                    pair += values[start..<start + 2 * frame]
                }
                return backend.tensor(pair, [3, 2, 9, 12])
            }
            let output = made.model(LatentActionInput(patches: four, frames: 4), tape)
            #expect(output.recon.shape == [9, 1, 9, 12] && output.action.z.shape[0] == 9)
            let whole = backend.floats(output.action.z), width = made.model.action.width
            func latents(_ number: Int) -> [Float] {
                var own: [Float] = []
                for sample in 0..<3 {
                    let start = (sample * 3 + number) * width
                    own += whole[start..<start + width]
                }
                return own
            }
            for number in 0..<(family == "lawam" ? 3 : 1) {
                let alone = backend.floats(made.model(LatentActionInput(patches: step(number)), tape).action.z)
                #expect(zip(alone, latents(number)).allSatisfy { abs($0 - $1) < 1e-5 }, "\(family) \(kind) \(number)")
            }
            // The temporal attention is causal: what comes later leaves earlier latents as they are, and what was before does not.
            func changed(_ place: Int) -> [Float] {
                var other = values
                for sample in 0..<3 { other[(sample * 4 + place) * frame] += 3 }
                let input = LatentActionInput(patches: backend.tensor(other, [3, 4, 9, 12]), frames: 4)
                return backend.floats(made.model(input, tape).action.z)
            }
            let later = changed(3), earlier = changed(0)
            for sample in 0..<3 {
                let first = (sample * 3) * width..<(sample * 3 + 2) * width,
                    last = (sample * 3 + 2) * width..<(sample * 3 + 3) * width
                #expect(later[first] == whole[first])
                if kind == "ae" { #expect((earlier[last] != whole[last]) == (family != "lawam")) }
            }
        }
    }

    @Test("a training step of several frames has gradients that differences confirm")
    func stepGradients() throws {
        for family in ["lawam", "two-stage"] {
            let made = try made(family)
            let input = LatentActionInput(patches: patches(3), frames: 3)
            try checkGradient(
                made, input, of: family == "lawam" ? "decoder.project_output.weight" : "to_codebook.weight")
        }
    }
}
