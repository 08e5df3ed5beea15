import Devices
import Foundation
import LAM
import LAMTrain
import NN
import Randomness
import Tensor

/// Measures this machine's matrix-product ceiling, and one full training step of a model against it.
public struct EngineBenchmark: Sendable {
    /// The model.
    public var family: any ModelFamily
    public var featureWidth: Int
    public var patches: Int
    public var batch: Int
    public var steps: Int
    public var autocast = Autocast.off
    public var checkpointsActivations = false
    /// Whether to time each operation, which costs little.
    public var isProfiled = false
    /// Whether a step begins with frames that a frozen ViT-B turns into features.
    public var includesEncoder = false
    /// Whether the products of a step are made by other libraries as well.
    public var comparesPeers = false
    /// nil for the fastest that this CPU has.
    public var instructionSet: InstructionSet?
    /// What is measured; profiles, other libraries and instruction sets are the CPU's.
    public var device = BenchmarkDevice()

    /// The original's size: 768 wide, 12 + 12 blocks, 4 + 196 tokens.
    public static let original = EngineBenchmark(
        family: TwoStageFamily(
            .stage1,
            LatentActionModelOptions(
                modelDim: 768, latentDim: 128, numLatents: 16, encBlocks: 12, decBlocks: 12, numHeads: 12)),
        featureWidth: 768, patches: 196, batch: 8, steps: 5)

    /// LaWAM's base size: 768 wide, 12 + 6 blocks, 256 patches.
    public static let lawam = EngineBenchmark(
        family: LawamFamily(
            LawamOptions(
                dim: 768, heads: 12, ffnFactor: 3, encLayers: 12, decLayers: 6, codeDim: 32,
                bottleneck: BottleneckChoice(BottleneckKind.named("vae") ?? BottleneckKind.all[0]))),
        featureWidth: 768, patches: 256, batch: 8, steps: 5)

    public init(family: any ModelFamily, featureWidth: Int, patches: Int, batch: Int, steps: Int) {
        self.family = family
        self.featureWidth = featureWidth
        self.patches = patches
        self.batch = batch
        self.steps = steps
    }

    public struct Result: Codable, Sendable {
        public var backend: String
        /// Compute threads; 0 of an accelerator.
        public var threads: Int
        /// Best rate of large products in the step's precision, GFLOP/s.
        public var ceilingGFLOPs: Double
        public var batch: Int
        public var gflopPerSample: Double
        /// Seconds of each measured step, in order.
        public var stepSeconds: [Double]
        public var bestSamplesPerSecond: Double
        public var medianSamplesPerSecond: Double
        /// The rate of the best step, in GFLOP/s and as a share of the ceiling.
        public var achievedGFLOPs: Double
        public var shareOfCeiling: Double
        /// Best rate of f32 multiply-adds in registers, GFLOP/s.
        /// Nil of an accelerator.
        public var vectorPeakGFLOPs: Double?
        /// Large f32 products here and in other libraries; nil unless `comparesPeers`.
        public var products: [PeerProducts.Rate]?
        public var peakMemoryMiB: Double
        /// Best rate of copying memory, bytes read plus bytes written.
        public var memoryGiBPerSecond: Double
        /// Per operation and shape, the slowest first; nil unless `isProfiled`.
        public var profile: [OperationTime]?
    }

    /// One operation's share of a step.
    public struct OperationTime: Codable, Sendable {
        public var name: String
        public var callsPerStep: Double
        public var secondsPerStep: Double
        public var gflops: Double
        public var gibPerSecond: Double
        /// Seconds that its arithmetic or its memory traffic, whichever is longer, would take at the machine's best rates.
        public var floorSeconds: Double

        init(_ entry: ProfilingBackend.Entry, _ ceilings: Ceilings, steps: Int) {
            name = entry.name
            callsPerStep = Double(entry.calls) / Double(steps)
            secondsPerStep = entry.seconds / Double(steps)
            gflops = entry.flops / entry.seconds / 1e9
            gibPerSecond = entry.bytes / entry.seconds / 1_073_741_824
            floorSeconds =
                max(entry.flops / 1e9 / ceilings.gflops, entry.bytes / 1_073_741_824 / ceilings.gibPerSecond)
                / Double(steps)
        }
    }

    /// - Parameter progress: told about each step as it ends.
    public func run(
        threads: Int?, progress: (_ step: Int, _ seconds: Double) -> Void = { _, _ in }
    ) throws -> Result {
        let backend = try device.open(threads: threads, instructionSet: instructionSet)
        // On a backend of its own, whose memory is gone when the steps begin.
        let (ceilings, peak, products) = try { () throws -> (Ceilings, Double?, [PeerProducts.Rate]?) in
            let backend = try device.open(threads: threads, instructionSet: instructionSet)
            let cpu = backend as? CPUBackend
            return (
                try Self.ceilings(backend, autocast), cpu?.measuredVectorPeak(),
                comparesPeers ? cpu.map(PeerProducts.measure) : nil
            )
        }()
        let ceiling = ceilings.gflops
        let profiling = isProfiled ? ProfilingBackend(backend) : nil
        let measured: any Backend = profiling ?? backend
        let module = LAMModule(
            backend: measured, optimizer: AdamW.Options(), seed: 0, autocast: autocast
        ) { family.model($0, featureWidth: featureWidth, languageWidth: nil) }
        module.checkpointsActivations = checkpointsActivations
        var generator = RandomGenerator(seed: 0, purpose: "bench")
        let features = Initializer.uniform(bound: 1).values(batch * 2 * patches * featureWidth, &generator)
        let input = backend.tensor(features, [batch, 2, patches, featureWidth])
        let encoder =
            includesEncoder
            ? try DINOv3Encoder(DINOv3Encoder.randomWeights(seed: 0), autocast: autocast, on: measured) : nil
        let side = 16 * Int(Double(patches).squareRoot())
        let frames = backend.tensor(
            (0..<batch * 2 * 3 * side * side).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ $0 >> 8) },
            [batch, 2, 3, side, side])
        var seconds: [Double] = []
        // The first step makes the memory that the others reuse.
        for step in 0...steps {
            let start = ContinuousClock.now
            let features = encoder.map { $0(frames, on: measured) } ?? input
            let pass = TrainingPass(step: step, seed: 0, samples: Array(step * batch..<(step + 1) * batch))
            let record = module.forwardAndBackward(LatentActionInput(patches: features, training: pass))
            _ = module.optimizerStep(learningRate: 1e-4, clipNorm: 0.1)
            _ = try record.result()
            try measured.synchronize()
            let elapsed = (ContinuousClock.now - start) / .seconds(1)
            progress(step, elapsed)
            if step > 0 { seconds.append(elapsed) } else { profiling?.reset() }
        }
        let best = seconds.min() ?? .nan, median = seconds.sorted()[seconds.count / 2]
        let flops =
            // Each product has two of its size in the backward pass.
            3 * module.model.forwardFLOPs(patches: patches)
            + (encoder.map { 2 * $0.sizes.flops(patches: patches) } ?? 0)
        let achieved = flops * Double(batch) / best / 1e9
        return Result(
            backend: backend.summary, threads: (backend as? CPUBackend)?.pool.threadCount ?? 0, ceilingGFLOPs: ceiling,
            batch: batch,
            gflopPerSample: flops / 1e9, stepSeconds: seconds, bestSamplesPerSecond: Double(batch) / best,
            medianSamplesPerSecond: Double(batch) / median, achievedGFLOPs: achieved,
            shareOfCeiling: achieved / ceiling, vectorPeakGFLOPs: peak, products: products,
            peakMemoryMiB: ProcessMemory.peakMiB,
            memoryGiBPerSecond: ceilings.gibPerSecond,
            profile: profiling?.profile.map { OperationTime($0, ceilings, steps: steps) })
    }

    /// What this machine does at best.
    struct Ceilings {
        var gflops: Double
        var gibPerSecond: Double
    }

    private static func ceilings(_ backend: any Backend, _ autocast: Autocast) throws -> Ceilings {
        // Uploaded, so that no compiler knows what it holds.
        let source = backend.tensor([Float](repeating: 0, count: 1 << 24), [1 << 24]), target = backend.zeros([1 << 24])
        let plan = BlockCopy(blocks: 1 << 10, length: 1 << 14, sourceStride: 1 << 14, targetStride: 1 << 14)
        var best = 0.0
        for _ in 0..<5 {
            let start = ContinuousClock.now
            backend.copy(plan, from: source, to: target, accumulate: false)
            try backend.synchronize()
            let elapsed = (ContinuousClock.now - start) / .seconds(1)
            best = max(best, Double(source.count * 4 * 2) / elapsed / 1_073_741_824)
        }
        return Ceilings(gflops: ProductCeiling.measure(backend, autocast, ProductCeiling.thorough), gibPerSecond: best)
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
