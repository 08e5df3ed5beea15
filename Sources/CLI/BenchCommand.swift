import ArgumentParser
import Foundation
import LAMData
import LAMTrain

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measures the engine, the encoders and the data stream on this machine.",
        subcommands: [
            EngineBenchCommand.self, EncoderBenchCommand.self, DataBenchCommand.self, OpenBenchCommand.self,
            DecodeBenchCommand.self,
        ])
}

struct EngineBenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "engine",
        abstract: "One full training step at the original's size, against this machine's measured matrix-product rate.")

    @Option(help: "Samples per step.")
    var batch = EngineBenchmark.original.batch

    @Option(help: "Measured steps, after one warm-up.")
    var steps = EngineBenchmark.original.steps

    @Option(help: "Compute threads; default: the CPUs this process may use.")
    var threads: Int?

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard batch > 0, steps > 0, threads ?? 1 > 0 else { throw ValidationError("counts must be positive") }
    }

    func run() throws {
        var benchmark = EngineBenchmark.original
        benchmark.batch = batch
        benchmark.steps = steps
        let result = benchmark.run(threads: threads ?? Threads.fromEnvironment) { step, seconds in
            guard !json else { return }
            print(step == 0 ? "warm-up" : "step \(step)", String(format: "%.2f s", seconds))
            fflush(nil)
        }
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            print(String(decoding: try encoder.encode(result), as: UTF8.self))
            return
        }
        print(
            """
            \(result.backend)
            model            768 wide, 12 + 12 blocks, 4 + 196 tokens, batch \(batch), f32
            work             \(String(format: "%.1f", result.gflopPerSample)) GFLOP a sample, forward and backward
            ceiling          \(String(format: "%.0f", result.ceilingGFLOPs)) GFLOP/s in large products
            step, best       \(String(format: "%.3f", result.bestSamplesPerSecond)) samples/s, \
            \(String(format: "%.0f", result.achievedGFLOPs)) GFLOP/s, \
            \(String(format: "%.0f", result.shareOfCeiling * 100)) % of the ceiling
            step, median     \(String(format: "%.3f", result.medianSamplesPerSecond)) samples/s
            peak memory      \(String(format: "%.0f", result.peakMemoryMiB)) MiB
            """)
    }
}

struct DataBenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data", abstract: "Throughput of a configuration's data stream alone.")

    @Argument(help: "A configuration file, as for `lam fit`.")
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
                fit.configuration.data.stream, batches: batches,
                hub: HubAccess(environment: ProcessInfo.processInfo.environment))
            if json {
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.sortedKeys]
                print(String(decoding: try encoder.encode(result), as: UTF8.self))
                return
            }
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
