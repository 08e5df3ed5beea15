import ArgumentParser
import Benchmarks
import Devices
import Foundation
import LAMTrain

struct EncoderBenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encoders",
        abstract: "The frozen vision and text encoders at their published sizes, with random weights.")

    @Option(help: "Frames per batch.")
    var frames = EncoderBenchmark().frames

    @Option(help: "Measured batches, after one warm-up.")
    var repetitions = EncoderBenchmark().repetitions

    @Option(help: "Number format of the vision encoders: 32 or bf16-mixed.")
    var precision = BenchPrecision.full

    @Option(
        help: "The device: cpu, gpu, cuda, tpu, or pjrt-cpu, the CPU's plugin; auto takes an accelerator that is there."
    )
    var accelerator = DeviceChoice.cpu

    @Option(help: "Compute threads; default: the CPUs this process may use.")
    var threads: Int?

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard frames > 0, repetitions > 0, threads ?? 1 > 0 else { throw ValidationError("counts must be positive") }
    }

    func run() throws { try BenchProgram.run(measure) }

    private func measure() throws {
        var benchmark = EncoderBenchmark(frames: frames, repetitions: repetitions)
        benchmark.autocast = precision == .full ? .off : .bf16
        benchmark.device = .forProgram(accelerator)
        let result = try benchmark.run(threads: threads ?? Threads.fromEnvironment)
        if json { return try Console.printJSON(result) }
        print(result.backend)
        print("ceiling          \(String(format: "%.0f", result.ceilingGFLOPs)) GFLOP/s in large products")
        for vision in result.vision {
            print(
                vision.encoder.padding(toLength: 28, withPad: " ", startingAt: 0),
                String(
                    format:
                        "%.1f GFLOP a frame; best %.2f, median %.2f frames/s in batches of %d; %.0f %% of the ceiling",
                    vision.gflopPerFrame, vision.bestFramesPerSecond, vision.medianFramesPerSecond, result.frames,
                    vision.shareOfCeiling * 100))
        }
        for text in result.text {
            print(
                text.encoder.padding(toLength: 28, withPad: " ", startingAt: 0),
                String(format: "%d tokens in %.1f ms", text.tokens, text.bestMilliseconds))
        }
        print(String(format: "peak memory      %.0f MiB", result.peakMemoryMiB))
    }
}
