import Accelerator
import Foundation
import LAM
import NN
import PJRT
import Tensor

/// Matrix products, training steps, and a vision encoder, in samples per second.
struct Speed {
    private let client: Client
    private let isSmall: Bool

    init(_ client: Client, isSmall: Bool) { (self.client, self.isSmall) = (client, isSmall) }

    func run(_ report: inout Report) throws {
        var best: [DType: Double] = [:]
        for type in [DType.f32, .bf16] {
            let rate = try products(type)
            best[type] = rate
            report.add("products, \(type)", [("TFLOP/s", rate)])
        }
        for (autocast, type) in [(Autocast.bf16, DType.bf16), (.off, .f32)] {
            for batch in isSmall ? [2] : [8, 32, 64, 128] {
                do {
                    try step(batch, autocast, ceiling: best[type] ?? 1, &report)
                } catch let error as PJRTError where error.isOutOfMemory {
                    say("step, \(type), batch \(batch): out of memory")
                }
            }
        }
        try encoder(&report)
    }

    /// Seconds of the fastest of several runs, after one that compiles.
    private func seconds(_ runs: Int, _ body: () throws -> Void) throws -> (first: Double, best: Double) {
        func timed() throws -> Double {
            let start = ContinuousClock.now
            try body()
            return (ContinuousClock.now - start) / .seconds(1)
        }
        let first = try timed()
        return (first, try (0..<runs).reduce(Double.infinity) { best, _ in min(best, try timed()) })
    }

    private func products(_ type: DType) throws -> Double {
        let backend = client.backend(), side = isSmall ? 256 : 8192, count = 8
        let weight = backend.tensor([Float](repeating: 1e-3, count: side * side), [side, side])
        var x = backend.empty([side, side], type)
        backend.cast(weight, into: x)
        try backend.synchronize()
        let time = try seconds(5) {
            for _ in 0..<count {
                let y = backend.empty([side, side], type)
                backend.linear(x, weight: weight, bias: nil, epilogue: .none, into: y)
                x = y
            }
            try backend.synchronize()
        }
        return 2 * pow(Double(side), 3) * Double(count) / time.best / 1e12
    }

    private func step(_ batch: Int, _ autocast: Autocast, ceiling: Double, _ report: inout Report) throws {
        let backend = client.backend(), store = ParameterStore(backend: backend)
        let size: (width: Int, blocks: Int, patches: Int) = isSmall ? (128, 1, 49) : (768, 12, 196)
        let model = LatentActionModel(
            store.root, featureWidth: size.width,
            LatentActionModelOptions(
                modelDim: size.width, latentDim: 128, numLatents: 16, encBlocks: size.blocks, decBlocks: size.blocks,
                numHeads: size.width / 64))
        store.allocate(seed: 1)
        let optimizer = AdamW(store, AdamW.Options())
        let features = (0..<batch * 2 * size.patches * size.width).map { (place: Int) -> Float in
            Float(place % 113) / 56 - 1
        }
        let time = try seconds(10) {
            let patches = backend.tensor(features, [batch, 2, size.patches, size.width])
            let tape = Tape(on: backend, recording: true, autocast: autocast)
            let output = model(patches, language: nil, tape)
            tape.backward(from: output.loss)
            let clipping = GradientClipping(store, limit: 1)
            optimizer.update(learningRate: 1e-4, gradientScale: clipping.scale)
            store.zeroGradients()
            _ = try backend.readback([output.loss, clipping.norm]).values()
        }
        let statistics = backend.statistics
        let work = 3 * model.forwardFLOPs(patches: size.patches) * Double(batch)
        let share = work / time.best / 1e12 / ceiling, gigabytes = Double(statistics.memory?.peak ?? 0) / 1e9
        report.add(
            "step, \(autocast == .off ? "f32" : "bf16"), batch \(batch)",
            [
                ("samples/s", Double(batch) / time.best), ("of the products' rate", share),
                ("compile s", statistics.compileSeconds), ("GB at most", gigabytes),
            ])
    }

    private func encoder(_ report: inout Report) throws {
        let sizes =
            isSmall
            ? VisionTransformerSizes(width: 64, depth: 2, heads: 1, hidden: 128, patchSize: 16, registers: 4) : .vitB16
        for (name, autocast) in [("f32", Autocast.off), ("bf16", .bf16)] {
            let backend = client.backend(), frames = isSmall ? 2 : 64
            let encoder = try DINOv3Encoder(
                DINOv3Encoder.randomWeights(sizes, seed: 1), autocast: autocast, on: backend)
            let side = isSmall ? 64 : 224
            let pixels = (0..<frames * 3 * side * side).map { UInt8(truncatingIfNeeded: $0 &* 37) }
            let images = backend.tensor(pixels, [frames, 1, 3, side, side])
            var features: [Tensor] = []
            let time = try seconds(5) {
                features = [encoder(images, on: backend)]
                try backend.synchronize()
            }
            report.add("vision encoder, \(name)", [("frames/s", Double(frames) / time.best)])
            _ = features
        }
    }
}
