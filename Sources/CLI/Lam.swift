import ArgumentParser
import CMalloc
import Foundation

@main
struct Lam: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lam", abstract: "Trains latent action models on robot video.",
        subcommands: [
            FitCommand.self, ValidateCommand.self, TestCommand.self, PredictCommand.self, PlotCommand.self,
            ReportCommand.self, InspectCommand.self, ConvertCommand.self, ActionConfigCommand.self,
            ExtractLatentsCommand.self, ConvertCheckpointCommand.self, ParityCommand.self, BenchCommand.self,
        ])

    /// Like ArgumentParser's own, but a usage error ends with 2, as a configuration error does.
    static func main() {
        // glibc would raise this with the first batch that is freed, and from then on lay batches and pictures out
        // side by side in its heaps, which then never shrink.
        mallopt(M_MMAP_THRESHOLD, 8 << 20)
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
            Console.error(fullMessage(for: error))
            Foundation.exit(2)
        }
    }
}
