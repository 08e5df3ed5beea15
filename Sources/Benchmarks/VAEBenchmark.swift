import LAMTrain
import Tensor
import WanVAE

/// Measures the Wan2.2 VAE's encoder at its published size, with random weights.
public struct VAEBenchmark: Sendable {
    public var precision: ConvolutionPrecision
    public var frames: Int
    public var height: Int
    public var width: Int
    /// Frames of a part behind the first frame, a multiple of four.
    public var partFrames: Int
    public var repetitions: Int
    public var isProfiled = false

    /// What is measured.
    public var device = BenchmarkDevice()
    /// Takes lines about clips that take longer than anybody waits without a word.
    public var tell: (@Sendable (String) -> Void)?
    /// Seconds of such a clip.
    private static let longClip = 10.0

    public init(
        precision: ConvolutionPrecision = .bf16, frames: Int = 17, height: Int = 256, width: Int = 256,
        partFrames: Int = WanVAEEncoder.defaultPartFrames, repetitions: Int = 3
    ) {
        self.precision = precision
        self.frames = frames
        self.height = height
        self.width = width
        self.partFrames = partFrames
        self.repetitions = repetitions
    }

    public struct Layer: Codable, Sendable {
        public var name: String
        public var calls: Int
        public var seconds: Double
        /// 0 where nothing is multiplied.
        public var gflops: Double
        public var shareOfCeiling: Double
    }

    public struct Result: Codable, Sendable {
        public var backend: String
        /// Best rate of large products of this precision, GFLOP/s.
        public var ceilingGFLOPs: Double
        public var teraflop: Double
        /// Seconds of each measured clip, in order.
        public var seconds: [Double]
        public var bestSeconds: Double
        public var medianSeconds: Double
        public var achievedGFLOPs: Double
        public var shareOfCeiling: Double
        public var peakMemoryMiB: Double
        /// The profile of one more clip, whose operations are timed one by one.
        public var layers: [Layer]?
    }

    /// - Throws: `DeviceError`; never with the weights that it makes itself, what encoders throw of weights.
    public func run(threads: Int?) throws -> Result {
        let backend = try device.open(threads: threads)
        let ceiling = ProductCeiling.measure(
            backend, precision == .f32 ? .off : .bf16, ProductCeiling.thorough)
        // Where operations are only recorded, there is nothing to time in each.
        let profiler = device.choice == .cpu ? ProfilingBackend(backend) : nil
        let measured: any Backend = profiler ?? backend
        let weights = WanVAEEncoder.randomWeights()
        let encoder = try WanVAEEncoder(weights: weights, precision: precision, on: measured)
        let frame = (0..<height * width * 3).map { UInt8(truncatingIfNeeded: $0 &* 40_503 >> 7) }
        func encode() -> Double {
            let start = ContinuousClock.now
            var clip = WanVAEEncoder.Clip(encoder)
            var done = 0
            let used = WanVAEEncoder.usedFrames(of: frames)
            while done < used {
                let count = done == 0 ? 1 : min(partFrames, used - done)
                let patches = FramePatches.patches(
                    Array(repeating: frame, count: count), height: height, width: width, on: measured)
                _ = LatentStatistics.latents(ofMoments: measured.floats(clip.moments(patches)))
                done += count
            }
            return (ContinuousClock.now - start) / .seconds(1)
        }
        // The first makes the memory that the others reuse.
        let seconds = Array(
            (0...repetitions).map { number in
                let seconds = encode()
                if seconds > Self.longClip, number < repetitions {
                    tell?("a clip took \(Int(seconds)) s; \(repetitions - number) more to go")
                }
                return seconds
            }.dropFirst())
        let best = seconds.min() ?? .nan
        let flops = encoder.flops(frames: frames, height: height, width: width)
        var layers: [Layer]?
        if isProfiled, let profiler {
            profiler.reset()
            _ = encode()
            layers = profiler.profile.map {
                Layer(
                    name: $0.name, calls: $0.calls, seconds: $0.seconds, gflops: $0.flops / $0.seconds / 1e9,
                    shareOfCeiling: $0.flops / $0.seconds / 1e9 / ceiling)
            }
        }
        return Result(
            backend: backend.summary, ceilingGFLOPs: ceiling, teraflop: flops / 1e12, seconds: seconds,
            bestSeconds: best, medianSeconds: seconds.sorted()[seconds.count / 2], achievedGFLOPs: flops / best / 1e9,
            shareOfCeiling: flops / best / 1e9 / ceiling, peakMemoryMiB: ProcessMemory.peakMiB, layers: layers)
    }
}
