import ArgumentParser
import Foundation
import LAMData
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
        do {
            if arguments.contains("--help") || arguments.contains("-h") {
                print(Self.help())
                return
            }
            let fit = try FitArguments.parse(arguments: arguments)
            if let printConfig = fit.printConfig {
                print(fit.configuration.yaml(skippingDefaults: printConfig == .skipDefault), terminator: "")
                return
            }
            try fit.configuration.requireRunnable { fit.context.location(of: $0) }
            try train(fit)
        } catch let exit as ExitCode {
            throw exit
        } catch  where error.isHubCancellation && SignalTrap.received != nil {
            Console.error("note: ended while waiting for the hub; no new checkpoint")
            throw ExitCode(128 + (SignalTrap.received ?? 0))
        } catch {
            Console.error("error: \(error)")
            throw ExitStatus.code(for: error)
        }
    }

    private func train(_ fit: ParsedFit) throws {
        SignalTrap.install()
        for notice in fit.notices { Console.error("note: \(notice)") }
        let parts = try TrainingParts(
            fit.configuration, checkpointRequest: fit.ckptPath, randomSeed: UInt64.random(in: 0...UInt64(UInt32.max)),
            environment: ProcessInfo.processInfo.environment, threads: Threads.fromEnvironment,
            isCancelled: { SignalTrap.received != nil }
        ) { Console.error("note: \($0)") }
        for line in parts.banner { Console.write(line + "\n") }
        let trainer = fit.configuration.trainer
        let environment = TrainerEnvironment(
            write: Console.write,
            progressStyle: .choose(
                isTerminal: Console.isTerminal, width: Console.width, isEnabled: trainer.enableProgressBar, rank: 0,
                noColor: !(ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty,
                everyNSteps: trainer.logEveryNSteps),
            interruption: { SignalTrap.received })
        let summary = try Trainer(fit.configuration, parts: parts, environment: environment).fit()
        Console.write(summary.text + "\n")
        if let signal = summary.signal { throw ExitCode(128 + signal) }
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
}
