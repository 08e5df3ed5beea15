import ArgumentParser
import Benchmarks
import Devices
import Foundation
import LAMTrain
import Tensor

struct VAEBenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vae",
        abstract: "The Wan2.2 VAE's encoder at its published size, with random weights, against large products.")

    @Option(help: "Number format of what convolutions multiply: f32 or bf16.")
    var precision = LatentPrecision.bf16

    @Option(help: "Frames of the clip; default: \(VAEBenchmark().frames), and 1 with pjrt-cpu.")
    var frames: Int?

    @Option(help: "Rows of a frame, a multiple of 16; default: \(VAEBenchmark().height), and 64 with pjrt-cpu.")
    var height: Int?

    @Option(help: "Columns of a frame, a multiple of 16; default: \(VAEBenchmark().width), and 64 with pjrt-cpu.")
    var width: Int?

    @Option(help: "Frames encoded together behind the first, a multiple of 4.")
    var part = VAEBenchmark().partFrames

    @Option(help: "Measured clips, after one warm-up.")
    var repetitions = VAEBenchmark().repetitions

    @Option(
        help: "The device: cpu, gpu, cuda, tpu, or pjrt-cpu, the CPU's plugin; auto takes an accelerator that is there."
    )
    var accelerator = DeviceChoice.cpu

    @Option(help: "Compute threads; default: the CPUs this process may use.")
    var threads: Int?

    @Flag(help: "Also print each kind of operation's time and rate.")
    var profile = false

    @Flag(help: "Print one JSON object.")
    var json = false

    /// The clip. The plugin for CPUs would take hours for one of the default size.
    private var clip: (frames: Int, height: Int, width: Int) {
        let small = accelerator == .pjrtCPU, usual = VAEBenchmark()
        return (
            frames ?? (small ? 1 : usual.frames), height ?? (small ? 64 : usual.height),
            width ?? (small ? 64 : usual.width)
        )
    }

    func validate() throws {
        let (frames, height, width) = clip
        guard accelerator == .cpu || !profile else { throw ValidationError("--profile is of the CPU") }
        guard frames > 0, repetitions > 0, threads ?? 1 > 0 else { throw ValidationError("counts must be positive") }
        guard height > 0, width > 0, height % 16 == 0, width % 16 == 0, height <= 4096, width <= 4096 else {
            throw ValidationError("sides must be multiples of 16, at most 4096")
        }
        guard part > 0, part % 4 == 0 else { throw ValidationError("--part must be a multiple of 4") }
    }

    func run() throws { try BenchProgram.run(measure) }

    private func measure() throws {
        let (frames, height, width) = clip
        var benchmark = VAEBenchmark(
            precision: precision.products, frames: frames, height: height, width: width, partFrames: part,
            repetitions: repetitions)
        benchmark.isProfiled = profile
        benchmark.device = .forProgram(accelerator)
        benchmark.tell = { Console.error("note: \($0)") }
        let result = try benchmark.run(threads: threads ?? Threads.fromEnvironment)
        if json { return try Console.printJSON(result) }
        print(
            """
            \(result.backend)
            work             \(String(format: "%.2f", result.teraflop)) TFLOP, \(frames) frames of \(height) x \(width), \(precision.rawValue)
            ceiling          \(String(format: "%.0f", result.ceilingGFLOPs)) GFLOP/s in large products
            best, median     \(String(format: "%.2f, %.2f", result.bestSeconds, result.medianSeconds)) s; \
            \(String(format: "%.0f", result.achievedGFLOPs)) GFLOP/s, \
            \(String(format: "%.0f", result.shareOfCeiling * 100)) % of the ceiling
            peak memory      \(String(format: "%.0f", result.peakMemoryMiB)) MiB
            """)
        for layer in result.layers ?? [] {
            print(
                String(
                    format: "%8.1f ms  %4d calls  %5.0f GFLOP/s  %3.0f %%  ", layer.seconds * 1e3, layer.calls,
                    layer.gflops, layer.shareOfCeiling * 100) + layer.name)
        }
    }
}

/// The values of `--precision`.
enum LatentPrecision: String, ExpressibleByArgument, CaseIterable {
    case f32, bf16

    var products: ConvolutionPrecision { self == .f32 ? .f32 : .bf16 }
}
