import ArgumentParser
import Foundation
import LAMTrain

/// `lam fit`: trains the model that a configuration describes.
struct FitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fit", abstract: "Trains a latent action model.",
        usage: "lam fit --config FILE [--config FILE ...] [--trainer.max_steps 10 ...] [--ckpt_path PATH|last|best]",
        discussion: "Every option of the configuration can follow as --section.key value; `lam fit --help` lists them.")

    /// LightningCLI's dotted options come from the configuration's schema, so they are read there.
    @Argument(parsing: .captureForPassthrough, help: .hidden)
    var arguments: [String] = []

    func run() throws {
        let fit: ParsedFit
        do {
            if arguments.contains("--help") || arguments.contains("-h") {
                print(Self.help())
                return
            }
            fit = try FitArguments.parse(arguments: arguments)
            if let printConfig = fit.printConfig {
                print(fit.configuration.yaml(skippingDefaults: printConfig == .skipDefault), terminator: "")
                return
            }
            try fit.configuration.requireRunnable { fit.context.location(of: $0) }
        } catch let error as ConfigurationError {
            Self.report("error: \(error)")
            throw ExitCode(2)
        }
        for notice in fit.notices { Self.report("note: \(notice)") }
        Self.report("error: this build cannot train yet")
        throw ExitCode.failure
    }

    private static func help() -> String {
        """
        OVERVIEW: Trains a latent action model.

        USAGE: lam fit --config FILE [--config FILE ...] [--section.key value ...] [--ckpt_path PATH]

        Later files and options override earlier ones; --key+=value appends to a list.

        OPTIONS:
          -c, --config FILE
                A YAML file in LightningCLI's form.
          --print_config[=skip_default]
                Print the resolved configuration and end.
          -h, --help
                Show this help.

        CONFIGURATION:
        \(ConfigurationReference.helpText())
        """
    }

    private static func report(_ line: String) {
        FileHandle.standardError.write(Data((line + "\n").utf8))
    }
}
