import Foundation
import NN
import Tensor
import Testing

@Suite("Optimisation")
struct OptimizationTests {
    @Test("AdamW follows the formula over all parameters, counting its steps")
    func adamW() {
        let backend = CPUBackend(threadCount: 2)
        let store = ParameterStore(backend: backend)
        // Several pieces of the optimiser's loop, the last one ragged.
        let linear = Linear(store.root("linear"), in: 201, out: 199)
        let frozen = store.root.parameter("frozen", [3], .ones, isTrainable: false)
        store.allocate(seed: 1)
        var options = AdamW.Options()
        (options.betas, options.epsilon, options.weightDecay) = ((0.8, 0.95), 1e-6, 0.1)
        let optimizer = AdamW(store, options)
        var value = backend.floats(store.values).map(Double.init)
        var m = value.map { _ in 0.0 }
        var v = m
        let (beta1, beta2) = (Double(Float(0.8)), Double(Float(0.95)))
        for step in 1...3 {
            let gradient = value.indices.map { Float(($0 * 7 + step * 13) % 101 - 50) / 1000 }
            gradient.withUnsafeBytes { backend.upload($0, to: store.gradients) }
            optimizer.update(learningRate: 0.01, gradientScale: 0.5)
            for i in value.indices {
                let g = Double(gradient[i]) / 2
                m[i] = beta1 * m[i] + (1 - beta1) * g
                v[i] = beta2 * v[i] + (1 - beta2) * g * g
                let mHat = m[i] / (1 - pow(beta1, Double(step)))
                let vHat = v[i] / (1 - pow(beta2, Double(step)))
                value[i] = value[i] * (1 - 0.01 * 0.1) - 0.01 * mHat / (vHat.squareRoot() + 1e-6)
            }
        }
        #expect(optimizer.step == 3)
        let got = backend.floats(store.values)
        // Values of order 0.1 in f32, three steps of 0.01.
        #expect(got.indices.allSatisfy { abs(Double(got[$0]) - value[$0]) <= 5e-8 })
        #expect(backend.floats(frozen.value) == [1, 1, 1])
        let moments = optimizer.moments(of: linear.weight)
        #expect(moments.expAvg.shape == [199, 201])
        #expect(zip(backend.floats(moments.expAvg), m).allSatisfy { abs(Double($0) - $1) <= 1e-8 })
        #expect(zip(backend.floats(moments.expAvgSq), v).allSatisfy { abs(Double($0) - $1) <= 1e-10 })
    }

    @Test("a parameter without gradient still decays")
    func decayAlone() {
        let backend = CPUBackend(threadCount: 1)
        let store = ParameterStore(backend: backend)
        _ = store.root.parameter("ones", [5], .ones)
        store.allocate(seed: 1)
        var options = AdamW.Options()
        options.weightDecay = 0.5
        AdamW(store, options).update(learningRate: 0.1, gradientScale: 1)
        #expect(backend.floats(store.values) == [Float](repeating: 1 - Float(0.1) * 0.5, count: 5))
    }

    @Test("clipping brings the norm of all gradients to the limit, and leaves smaller ones alone")
    func clipping() {
        let backend = CPUBackend(threadCount: 2)
        let store = ParameterStore(backend: backend)
        _ = store.root.parameter("a", [3], .zeros)
        _ = store.root.parameter("b", [1], .zeros)
        store.allocate(seed: 1)
        ([1, -2, 2, 4] as [Float]).withUnsafeBytes { backend.upload($0, to: store.gradients) }
        let norm = GradientClipping.globalNorm(store)
        #expect(norm == 5)
        #expect(GradientClipping.scale(norm: norm, limit: 0.1) == Float(0.1 / (5 + 1e-6)))
        #expect(GradientClipping.scale(norm: norm, limit: 6) == 1)
        #expect(GradientClipping.scale(norm: norm, limit: nil) == 1)
        #expect(GradientClipping.scale(norm: 0, limit: 0.1) == 1)
    }
}
