import ArgumentParser
import CMalloc
import Foundation
import LAMData

@main
struct Lam: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lam", abstract: "Trains latent action models on robot video.",
        version: Version.text,
        subcommands: [
            InitCommand.self, DoctorCommand.self, EstimateCommand.self, FitCommand.self, ValidateCommand.self,
            TestCommand.self, PredictCommand.self, ProbeCommand.self, PlotCommand.self,
            ReportCommand.self, InspectCommand.self, ConvertCommand.self, ActionConfigCommand.self,
            ExtractLatentsCommand.self, ConvertCheckpointCommand.self, PushCommand.self, ParityCommand.self,
            BenchCommand.self, ManualCommand.self, HDF5ReaderCommand.self,
        ])

    /// Like ArgumentParser's own, but a usage error ends with 2, as a configuration error does, and a result that could
    /// not be printed with 1.
    static func main() {
        Console.prepare()
        HDF5Isolation.start(["/proc/self/exe", HDF5ReaderCommand.name])
        // glibc would raise this with the first batch that is freed, and from then on lay batches and pictures out
        // side by side in its heaps, which then never shrink.
        mallopt(M_MMAP_THRESHOLD, 8 << 20)
        do {
            var command = try parseAsRoot(CommandLineSpelling.read(Array(CommandLine.arguments.dropFirst())))
            try command.run()
            end(with: .success)
        } catch let error as CommandLineSpelling.UnknownCommand {
            Console.error("error: \(error)")
            end(with: ExitCode(2))
        } catch {
            let code = exitCode(for: error)
            let text = fullMessage(for: error).replacing("Error: ", with: "error: ", maxReplacements: 1)
            if code == .success {
                let isCompletion = CommandLine.arguments.dropFirst().first?.hasPrefix("--generate-completion") == true
                print(isCompletion ? CompletionKeys.added(to: text) : text)
            } else if !text.isEmpty {
                Console.usage(text)
            }
            end(with: code == .validationFailure ? ExitCode(2) : code)
        }
    }

    private static func end(with code: ExitCode) -> Never {
        let missing = code == .success ? Console.missingResult : nil
        if let missing { Console.error("error: \(missing)") }
        Foundation.exit(missing == nil ? code.rawValue : 1)
    }
}
