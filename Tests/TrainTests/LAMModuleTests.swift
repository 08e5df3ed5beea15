import BackendConformance
import LAM
import LAMTrain
import NN
import Randomness
import Tensor
import Testing

@Suite("A step of a module")
struct LAMModuleTests {
    private static let batch = 4

    private func module(usage: CodeUsage = .occurrence) -> LAMModule {
        LAMModule(
            backend: TestBackend.cpu(threads: 2), featureWidth: 16,
            options: LatentActionModelOptions(
                modelDim: 32, latentDim: 8, numLatents: 8, encBlocks: 1, decBlocks: 1, numHeads: 2, usage: usage),
            optimizer: AdamW.Options(), seed: 3)
    }

    private func features(_ step: Int) -> [Float] {
        var generator = RandomGenerator(seed: 5, purpose: "module", step)
        return (0..<Self.batch * 2 * 9 * 16).map { _ in Float(generator.uniform(in: -1...1)) }
    }

    /// All that a step changes, to the bit.
    private func state(_ module: LAMModule) -> [[UInt32]] {
        [module.store.values, module.optimizer.expAvg, module.optimizer.expAvgSq].map {
            module.backend.floats($0).map(\.bitPattern)
        }
    }

    @Test("changes nothing where its gradients are no numbers, though nobody has looked at them yet")
    func gradients() throws {
        let module = module(), shape = [Self.batch, 2, 9, 16]
        _ = try module.trainingStep(module.backend.tensor(features(0), shape))
        _ = module.optimizerStep(learningRate: 1e-3, clipNorm: 1)
        let before = state(module)
        for bad in [Float.nan, .infinity] {
            for clipNorm in [0.1, nil] {
                var values = features(1)
                values[7] = bad
                let pass = TrainingPass(step: 1, seed: 0, samples: [0, 1, 2, 3])
                let record = module.forwardAndBackward(
                    LatentActionInput(patches: module.backend.tensor(values, shape), training: pass))
                let norm = module.optimizerStep(
                    learningRate: 1e-3, clipNorm: clipNorm, losses: [record.output.loss])
                #expect(!module.backend.doubles(norm)[0].isFinite)
                #expect(state(module) == before, "\(bad), clipped at \(String(describing: clipNorm))")
            }
        }
        _ = try module.trainingStep(module.backend.tensor(features(2), shape))
        _ = module.optimizerStep(learningRate: 1e-3, clipNorm: 1)
        #expect(state(module) != before)
    }

    @Test(
        "changes nothing where a loss is no number and its gradients are numbers, and else what it changes without the look"
    )
    func losses() throws {
        let module = module(), same = self.module(), shape = [Self.batch, 2, 9, 16]
        let before = state(module)
        for bad in [Float.nan, .infinity, -.infinity] {
            _ = try module.trainingStep(module.backend.tensor(features(0), shape))
            let losses = [Float(1), bad].map { module.backend.tensor([$0], []) }
            let norm = module.optimizerStep(learningRate: 1e-3, clipNorm: 1, losses: losses)
            #expect(module.backend.doubles(norm)[0].isFinite)
            #expect(state(module) == before, "a loss of \(bad)")
            module.revertStep()
        }
        let output = try module.trainingStep(module.backend.tensor(features(0), shape)).output
        _ = module.optimizerStep(learningRate: 1e-3, clipNorm: 1, losses: [output.loss])
        _ = try same.trainingStep(same.backend.tensor(features(0), shape))
        _ = same.optimizerStep(learningRate: 1e-3, clipNorm: 1)
        #expect(state(module) == state(same) && state(module) != before)
        #expect(module.optimizer.step == 1)
    }

    @Test(
        "counts on the backend what its codes say one by one, by occurrence and by sample",
        arguments: CodeUsage.allCases)
    func codes(usage: CodeUsage) throws {
        let module = module(usage: usage), perPair = module.model.action.perPair
        var expected = [Float](repeating: 0, count: 8)
        for step in 0..<3 {
            let patches = module.backend.tensor(features(step), [Self.batch, 2, 9, 16])
            let result = try module.trainingStep(patches).result
            let codes = try #require(result.codes[0])
            #expect(codes.count == Self.batch * perPair)
            let counts = (0..<8).map { code in Double(codes.count { $0 == Int32(code) }) }
            #expect(result.statistics.codes.map(\.counts) == [counts])
            for start in stride(from: 0, to: codes.count, by: perPair) {
                let ofSample = Array(codes[start..<start + perPair])
                for code in usage == .original ? Array(Set(ofSample)) : ofSample { expected[Int(code)] += 1 }
            }
        }
        #expect(module.model.action.bottleneck.usage == expected)
        // The two ways differ, and so may the counts.
        #expect(expected.reduce(0, +) <= Float(3 * Self.batch * perPair))
    }
}
