import LAM
import LAMTrain
import Tensor
import Text

/// Measures the frozen encoders at their published sizes, with random weights.
public struct EncoderBenchmark: Sendable {
    /// Frames of a batch, pairs of a training step.
    public var frames: Int
    public var repetitions: Int
    public var autocast = Autocast.off

    /// What is measured.
    public var device = BenchmarkDevice()

    public init(frames: Int = 16, repetitions: Int = 5) {
        self.frames = frames
        self.repetitions = repetitions
    }

    public struct Vision: Codable, Sendable {
        public var encoder: String
        public var gflopPerFrame: Double
        /// Seconds of each measured batch, in order.
        public var seconds: [Double]
        public var bestFramesPerSecond: Double
        public var medianFramesPerSecond: Double
        /// The rate of the best batch as a share of the ceiling.
        public var shareOfCeiling: Double
    }

    public struct Text: Codable, Sendable {
        public var encoder: String
        public var tokens: Int
        public var bestMilliseconds: Double
    }

    public struct Result: Codable, Sendable {
        public var backend: String
        /// Best rate of large products of the encoders' precision, GFLOP/s.
        public var ceilingGFLOPs: Double
        public var frames: Int
        public var vision: [Vision]
        public var text: [Text]
        public var peakMemoryMiB: Double
    }

    /// - Throws: `DeviceError`; never with the weights that it makes itself, what encoders throw of weights and tokens.
    public func run(threads: Int?) throws -> Result {
        let backend = try device.open(threads: threads)
        let ceiling = ProductCeiling.measure(backend, autocast, ProductCeiling.thorough)
        var result = Result(
            backend: backend.summary, ceilingGFLOPs: ceiling, frames: frames, vision: [], text: [], peakMemoryMiB: 0)
        let dinov3 = try DINOv3Encoder(DINOv3Encoder.randomWeights(seed: 0), autocast: autocast, on: backend)
        result.vision.append(
            try measure(dinov3, of: dinov3.sizes, named: "dinov3-vitb16, 224 px", ceiling: ceiling, on: backend))
        let dinov2 = try DINOv2Encoder(DINOv2Encoder.randomWeights(seed: 0), autocast: autocast, on: backend)
        result.vision.append(
            try measure(dinov2, of: dinov2.sizes, named: "dinov2-vitb14-reg, 224 px", ceiling: ceiling, on: backend))
        let t5 = try T5Encoder(weights: T5Encoder.randomWeights(seed: 0), on: backend)
        for tokens in [16, 512] {
            let batch = TokenBatch(padding: [Array(repeating: 17, count: tokens)], with: 0)
            let seconds = try times { _ = backend.floats(try t5(batch)) }
            result.text.append(
                Text(encoder: "t5-base", tokens: tokens, bestMilliseconds: (seconds.min() ?? .nan) * 1e3))
        }
        result.peakMemoryMiB = ProcessMemory.peakMiB
        return result
    }

    private func measure(
        _ encoder: any VisionEncoder, of sizes: VisionTransformerSizes, named name: String, ceiling: Double,
        on backend: any Backend
    ) throws -> Vision {
        let side = 224
        let input = backend.tensor(
            [UInt8](repeating: 127, count: frames * 3 * side * side), [frames, 1, 3, side, side])
        let seconds = try times {
            let features = encoder(input, on: backend)
            try backend.synchronize()
            withExtendedLifetime(features) {}
        }
        let best = seconds.min() ?? .nan
        let flops = sizes.flops(patches: (side / sizes.patchSize) * (side / sizes.patchSize))
        return Vision(
            encoder: name, gflopPerFrame: flops / 1e9, seconds: seconds, bestFramesPerSecond: Double(frames) / best,
            medianFramesPerSecond: Double(frames) / seconds.sorted()[seconds.count / 2],
            shareOfCeiling: flops * Double(frames) / best / 1e9 / ceiling)
    }

    /// Seconds of each repetition after one that makes the memory that the others reuse.
    private func times(_ work: () throws -> Void) rethrows -> [Double] {
        try (0...repetitions).map { _ in
            let start = ContinuousClock.now
            try work()
            return (ContinuousClock.now - start) / .seconds(1)
        }.suffix(repetitions)
    }
}
