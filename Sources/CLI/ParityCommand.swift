import ArgumentParser
import Devices
import Foundation
import LAMTrain
import Parity
import Tensor

struct ParityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parity",
        abstract: "Replays reference tensors written by PyTorch and prints the largest error of each.",
        discussion: "Exits with 1 if any tensor lies outside its tolerance.")

    @Argument(
        help: "A case folder, or a tree of them; a folder's name is the case's kind.", transform: PathArgument.read)
    var directory: String

    @Option(help: "Device: auto, cpu, gpu, cuda, tpu or pjrt-cpu.")
    var accelerator = DeviceChoice.cpu

    @Flag(help: "Print failing tensors and totals only.")
    var quiet = false

    func run() throws {
        let cases = try ParityRunner.cases(in: directory)
        for folder in cases.unknown { print("\(folder): no replay for this kind") }
        guard !cases.known.isEmpty else {
            throw ValidationError("\(directory): no case that can be replayed; a case's folder is named for its kind")
        }
        let backend = try device()
        var failures = 0
        for folder in cases.known {
            let report = try ParityRunner.run(case: folder, on: backend)
            print(folder)
            for line in report.lines where !quiet || !line.passes { print("  " + Self.format(line)) }
            let failed = report.lines.count { !$0.passes }
            failures += failed
            print("  \(report.lines.count - failed) of \(report.lines.count) within tolerance")
        }
        if failures > 0 { throw ExitCode(1) }
    }

    private func device() throws -> any Backend {
        do {
            return try Device.open(
                accelerator, threads: nil, environment: ProcessInfo.processInfo.environment,
                announce: { Console.error("note: \($0)") })
        } catch {
            Console.error("error: \(error)")
            throw ExitStatus.code(for: error)
        }
    }

    private static func format(_ line: ParityLine) -> String {
        let verdict = line.passes ? "ok  " : "MISS"
        let name = line.name.padding(toLength: max(64, line.name.count), withPad: " ", startingAt: 0)
        if let note = line.note { return "\(verdict) \(name) \(note)" }
        return String(
            format: "%@ %@ max abs %.2e  rel %.2e  tolerance %.2e", verdict, name, line.maxAbsoluteError,
            line.maxRelativeError, line.limit)
    }
}

extension DeviceChoice: ExpressibleByArgument {}
