import ArgumentParser
import Benchmarks
import Configuration
import Devices
import Foundation
import LAMData
import LAMTrain
import Tensor

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measures the engine, the encoders and the data stream on this machine.",
        subcommands: [
            EngineBenchCommand.self, EncoderBenchCommand.self, DataBenchCommand.self, OpenBenchCommand.self,
            DecodeBenchCommand.self, VAEBenchCommand.self,
        ])
}

struct EngineBenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "engine",
        abstract: "One full training step at the original's size, against this machine's measured matrix-product rate.")

    @Option(help: "The model: two-stage, or lawam at its base size.")
    var family = Family.twoStage

    enum Family: String, ExpressibleByArgument, CaseIterable {
        case twoStage = "two-stage"
        case lawam
    }

    @Option(help: "Samples per step.")
    var batch = EngineBenchmark.original.batch

    @Option(help: "Measured steps, after one warm-up.")
    var steps = EngineBenchmark.original.steps

    @Option(
        help: "The device: cpu, gpu, cuda, tpu, or pjrt-cpu, the CPU's plugin; auto takes an accelerator that is there."
    )
    var accelerator = DeviceChoice.cpu

    @Option(help: "Compute threads; default: the CPUs this process may use.")
    var threads: Int?

    @Option(help: "Number format: 32 or bf16-mixed.")
    var precision = BenchPrecision.full

    @Flag(help: "Begin each step with frames that a frozen ViT-B turns into features.")
    var encoder = false

    @Flag(help: "Make blocks' activations again in the backward pass instead of keeping them.")
    var activationCheckpointing = false

    @Flag(help: "Also print each operation's time next to its floor.")
    var profile = false

    @Flag(help: "Also make the step's products in OpenBLAS and BLIS, where these are installed.")
    var peers = false

    @Option(
        help:
            "Vector kernels to use instead of this CPU's fastest: \(InstructionSet.available.map(\.rawValue).joined(separator: ", "))."
    )
    var instructionSet: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        if let instructionSet, !InstructionSet.available.contains(where: { $0.rawValue == instructionSet }) {
            throw ValidationError("--instruction-set: this CPU has no \(instructionSet) kernels")
        }
        guard accelerator == .cpu || !profile && !peers && instructionSet == nil else {
            throw ValidationError("--profile, --peers and --instruction-set are of the CPU")
        }
        guard batch > 0, steps > 0, threads ?? 1 > 0 else { throw ValidationError("counts must be positive") }
    }

    func run() throws { try BenchProgram.run(measure) }

    private func measure() throws {
        var benchmark = family == .lawam ? EngineBenchmark.lawam : .original
        benchmark.batch = batch
        benchmark.steps = steps
        benchmark.isProfiled = profile
        benchmark.comparesPeers = peers
        benchmark.instructionSet = instructionSet.flatMap(InstructionSet.init)
        benchmark.includesEncoder = encoder
        benchmark.checkpointsActivations = activationCheckpointing
        benchmark.autocast = precision == .full ? .off : .bf16
        benchmark.device = .forProgram(accelerator)
        let result = try benchmark.run(threads: threads ?? Threads.fromEnvironment) { step, seconds in
            guard !json else { return }
            print(step == 0 ? "warm-up" : "step \(step)", String(format: "%.2f s", seconds))
            fflush(nil)
        }
        if json { return try Console.printJSON(result) }
        print(
            """
            \(result.backend)
            model            768 wide, 12 + 12 blocks, 4 + 196 tokens, batch \(batch), \(precision == .full ? "f32" : "bf16-mixed")
            work             \(String(format: "%.1f", result.gflopPerSample)) GFLOP a sample, forward and backward\(encoder ? ", and a ViT-B forward" : "")
            vector peak      \(result.vectorPeakGFLOPs.map { String(format: "%.0f", $0) } ?? "-") GFLOP/s of f32 multiply-adds in registers
            ceiling          \(String(format: "%.0f", result.ceilingGFLOPs)) GFLOP/s in large products, \(String(format: "%.1f", result.memoryGiBPerSecond)) GiB/s in copies
            step, best       \(String(format: "%.3f", result.bestSamplesPerSecond)) samples/s, \
            \(String(format: "%.0f", result.achievedGFLOPs)) GFLOP/s, \
            \(String(format: "%.0f", result.shareOfCeiling * 100)) % of the ceiling
            step, median     \(String(format: "%.3f", result.medianSamplesPerSecond)) samples/s
            peak memory      \(String(format: "%.0f", result.peakMemoryMiB)) MiB
            """)
        for product in result.products ?? [] {
            let peers = product.peers.sorted { $0.key < $1.key }.map { "\($0.key) \(String(format: "%.0f", $0.value))" }
            print(
                "product          \(product.shape.map(String.init).joined(separator: " x ")): "
                    + "\(String(format: "%.0f", product.gflops)) GFLOP/s"
                    + (peers.isEmpty ? "; OpenBLAS and BLIS are not installed" : ", " + peers.joined(separator: ", ")))
        }
        for operation in result.profile ?? [] {
            print(
                String(
                    format: "%8.1f ms  %5.0f calls  %6.0f GFLOP/s  %5.1f GiB/s  floor %7.1f ms  ",
                    operation.secondsPerStep * 1e3, operation.callsPerStep, operation.gflops, operation.gibPerSecond,
                    operation.floorSeconds * 1e3) + operation.name)
        }
    }
}

/// The values of `trainer.precision` that the engine has.
enum BenchPrecision: String, ExpressibleByArgument, CaseIterable {
    case full = "32"
    case mixed = "bf16-mixed"
}

struct DataBenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data", abstract: "Throughput of a configuration's data stream alone.")

    @Argument(help: "A configuration file, as for `lam fit`.", transform: PathArgument.read)
    var config: String

    @Option(help: "Batches to take after the first.")
    var batches = 50

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard batches > 0 else { throw ValidationError("counts must be positive") }
    }

    func run() throws {
        do {
            let fit = try FitArguments.parse(arguments: ["--config", config])
            let result = try StreamBenchmark.run(
                fit.configuration.data.stream(for: fit.configuration.model), batches: batches,
                hub: HubAccess(environment: ProcessInfo.processInfo.environment))
            if json { return try Console.printJSON(result) }
            let mebibyte = Double(1 << 20)
            print(
                """
                stream           \(String(format: "%.0f", result.samplesPerSecond)) samples/s over \(result.samples) samples
                first batch      \(String(format: "%.3f", result.secondsToFirstBatch)) s after opening
                batch            \(String(format: "%.1f", Double(result.bytesPerBatch) / mebibyte)) MiB of pixels
                peak memory      \(String(format: "%.0f", Double(result.peakResidentBytes) / mebibyte)) MiB, \
                of it for the stream at most \(String(format: "%.0f", Double(result.predictedBytes) / mebibyte)) MiB
                """)
        } catch {
            Console.error("error: \(error)")
            throw ExitStatus.code(for: error)
        }
    }
}
