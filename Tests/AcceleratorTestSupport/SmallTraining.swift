import LAM
import NN
import Randomness
import Tensor

/// Training of a small model on any backend, as a run does it: forward, backward, clipping, AdamW, moving average.
package final class SmallTraining {
    package enum Kind: String, CaseIterable, Sendable {
        case stage1, language, stage2
    }

    package static let options = LatentActionModelOptions(
        modelDim: 48, latentDim: 16, numLatents: 8, encBlocks: 1, decBlocks: 1, numHeads: 4)
    package static let featureWidth = 24

    package let backend: any Backend
    package let store: ParameterStore
    package let model: any LatentActionModeling
    package let optimizer: AdamW
    package let average: MovingAverage
    private let kind: Kind
    private let autocast: Autocast
    private let batchSize: Int

    private let checkpoints: Bool

    /// - Parameter checkpoints: whether blocks' activations are made again for the backward pass.
    package init(
        _ kind: Kind, autocast: Autocast = .off, checkpoints: Bool = false, batchSize: Int = 3, on backend: any Backend
    ) {
        self.checkpoints = checkpoints
        (self.kind, self.autocast, self.backend, self.batchSize) = (kind, autocast, backend, batchSize)
        store = ParameterStore(backend: backend)
        model =
            switch kind {
            case .stage1: LatentActionModel(store.root, featureWidth: Self.featureWidth, Self.options)
            case .language:
                LatentActionModel(store.root, featureWidth: Self.featureWidth, languageWidth: 10, Self.options)
            case .stage2:
                ControllableLatentActionModel(
                    store.root, featureWidth: Self.featureWidth, frozenCodes: 16, Self.options)
            }
        store.allocate(seed: 3)
        optimizer = AdamW(store, AdamW.Options())
        average = MovingAverage(store, decay: 0.9)
        average.update()
    }

    package struct Step {
        package var loss: Double
        package var norm: Double
        package var codes: [[Double]]
        package var gradients: [(name: String, values: [Float])] = []
    }

    /// - Parameter keepsGradients: whether the step gives every gradient, too.
    package func step(_ number: Int, keepsGradients: Bool = true) throws -> Step {
        var generator = RandomGenerator(seed: 4, purpose: "patches", number)
        let shape = [batchSize, 2, 9, Self.featureWidth]
        let patches = backend.tensor(Initializer.uniform(bound: 2).values(shape.product, &generator), shape)
        let tape = Tape(on: backend, recording: true, autocast: autocast, checkpointing: checkpoints)
        let output = model(patches, language: language(&generator), tape)
        tape.backward(from: output.loss)
        let kept = keepsGradients ? backend.empty([store.trainableCount]) : nil
        if let kept {
            let whole = BlockCopy(blocks: 1, length: kept.count, sourceStride: 0, targetStride: 0)
            backend.copy(whole, from: store.gradients, to: kept, accumulate: false)
        }
        let clipping = GradientClipping(store, gradientScale: 0.5, limit: 0.1)
        optimizer.update(learningRate: 1e-3 * Float(number), gradientScale: clipping.scale)
        store.zeroGradients()
        average.update()
        let readback = backend.readback([output.loss, clipping.norm] + output.latents.compactMap(\.indices))
        let values = try readback.values()
        var result = Step(loss: values[0][0], norm: values[1][0], codes: Array(values[2...]))
        for parameter in store.trainable {
            guard let kept else { break }
            let start = parameter.value.offset - store.values.offset
            result.gradients.append((parameter.name, backend.floats(kept.range(start, parameter.count))))
        }
        return result
    }

    /// Instructions of different lengths, other ones in each step.
    private func language(_ generator: inout RandomGenerator) -> LanguageTokens? {
        guard kind == .language else { return nil }
        let hidden = Initializer.uniform(bound: 1).values(batchSize * 5 * 10, &generator)
        let mask = (0..<batchSize).flatMap { sample -> [Int32] in
            let length = 1 + (sample + Int(generator.next() % 5)) % 5
            return (0..<5).map { $0 < length ? 1 : 0 }
        }
        return LanguageTokens(hidden: backend.tensor(hidden, [batchSize, 5, 10]), mask: mask)
    }
}
