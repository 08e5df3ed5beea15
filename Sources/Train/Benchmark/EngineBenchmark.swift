import Foundation
import LAM
import NN
import Randomness
import Tensor

/// Measures this machine's matrix-product ceiling, and one full training step of a model against it.
public struct EngineBenchmark: Sendable {
    public var options: LatentActionModelOptions
    public var featureWidth: Int
    public var patches: Int
    public var batch: Int
    public var steps: Int

    /// The original's size: 768 wide, 12 + 12 blocks, 4 + 196 tokens.
    public static let original = EngineBenchmark(
        options: LatentActionModelOptions(
            modelDim: 768, latentDim: 128, numLatents: 16, encBlocks: 12, decBlocks: 12, numHeads: 12),
        featureWidth: 768, patches: 196, batch: 8, steps: 5)

    public init(options: LatentActionModelOptions, featureWidth: Int, patches: Int, batch: Int, steps: Int) {
        self.options = options
        self.featureWidth = featureWidth
        self.patches = patches
        self.batch = batch
        self.steps = steps
    }

    public struct Result: Codable, Sendable {
        public var backend: String
        public var threads: Int
        /// Best rate of large f32 products, GFLOP/s.
        public var ceilingGFLOPs: Double
        public var batch: Int
        public var gflopPerSample: Double
        /// Seconds of each measured step, in order.
        public var stepSeconds: [Double]
        public var bestSamplesPerSecond: Double
        public var medianSamplesPerSecond: Double
        /// Of the best step, GFLOP/s and as a share of the ceiling.
        public var achievedGFLOPs: Double
        public var shareOfCeiling: Double
        public var peakMemoryMiB: Double
    }

    /// - Parameter progress: told about each step as it ends.
    public func run(threads: Int?, progress: (_ step: Int, _ seconds: Double) -> Void = { _, _ in }) -> Result {
        let backend = CPUBackend(threadCount: threads)
        let ceiling = Self.ceiling(backend)
        let module = LAMModule(
            backend: backend, featureWidth: featureWidth, options: options, optimizer: AdamW.Options(), seed: 0)
        var generator = RandomGenerator(seed: 0, purpose: "bench")
        let features = Initializer.uniform(bound: 1).values(batch * 2 * patches * featureWidth, &generator)
        let input = backend.tensor(features, [batch, 2, patches, featureWidth])
        var seconds: [Double] = []
        // The first step makes the memory that the others reuse.
        for step in 0...steps {
            let start = ContinuousClock.now
            _ = module.trainingStep(input)
            _ = module.optimizerStep(learningRate: 1e-4, clipNorm: 0.1)
            let elapsed = (ContinuousClock.now - start) / .seconds(1)
            progress(step, elapsed)
            if step > 0 { seconds.append(elapsed) }
        }
        let best = seconds.min() ?? .nan, median = seconds.sorted()[seconds.count / 2]
        let flops = options.trainingFLOPs(patches: patches, featureWidth: featureWidth)
        let achieved = flops * Double(batch) / best / 1e9
        return Result(
            backend: backend.summary, threads: backend.pool.threadCount, ceilingGFLOPs: ceiling, batch: batch,
            gflopPerSample: flops / 1e9, stepSeconds: seconds, bestSamplesPerSecond: Double(batch) / best,
            medianSamplesPerSecond: Double(batch) / median, achievedGFLOPs: achieved,
            shareOfCeiling: achieved / ceiling, peakMemoryMiB: ProcessMemory.peakMiB)
    }

    /// Best GFLOP/s over products of the shapes that a transformer has.
    static func ceiling(_ backend: CPUBackend) -> Double {
        var best = 0.0
        for (m, n, k) in [(3200, 768, 768), (3200, 2304, 768), (3200, 3072, 768), (3200, 768, 3072)] {
            let x = backend.zeros([m, k]), weight = backend.zeros([n, k]), out = backend.empty([m, n])
            for _ in 0..<5 {
                let start = ContinuousClock.now
                backend.linear(x, weight: weight, bias: nil, epilogue: .none, into: out)
                let elapsed = (ContinuousClock.now - start) / .seconds(1)
                best = max(best, 2 * Double(m) * Double(n) * Double(k) / elapsed / 1e9)
            }
        }
        return best
    }
}

/// What the operating system says of this process.
public enum ProcessMemory {
    /// Largest resident size so far, MiB.
    public static var peakMiB: Double {
        var usage = rusage()
        return getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 ? Double(usage.ru_maxrss) / 1024 : 0
    }
}
