import ArgumentParser
import Collectives
import Configuration
import Foundation
import LAMTrain
import Tensor

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
        if arguments.contains("--help") || arguments.contains("-h") {
            print(Self.help())
            return
        }
        try RankedProgram.run(trapsSignals: true) { group in
            let fit = try group.together(for: "configuration", status: { ExitStatus.code(for: $0).rawValue }) {
                try FitArguments.parse(arguments: arguments)
            }
            if let printConfig = fit.printConfig {
                guard group.isRoot else { return nil }
                print(fit.configuration.yaml(skippingDefaults: printConfig == .skipDefault), terminator: "")
                return nil
            }
            return try ReplicatedProgram.run(fit.configuration, group) { group, backend in
                try Self.train(fit, group, backend)
            }
        }
    }

    /// Trains; returns the signal that has ended the run early.
    private static func train(_ fit: ParsedFit, _ group: any ProcessGroup, _ backend: (any Backend)?) throws -> Int32? {
        let trainer = fit.configuration.trainer
        group.timeout = trainer.timeout
        let note: (String) -> Void = { if group.isRoot { Console.error("note: \($0)") } }
        for notice in fit.notices { note("\(notice)") }
        let drawn = [UInt64.random(in: 0...UInt64(UInt32.max))]
        let seed = try group.allGather(drawn, for: "seed")[0][0]
        let run = try group.together(for: "opening of data and model", status: { ExitStatus.code(for: $0).rawValue }) {
            let configuration = fit.configuration
            let locate = { fit.context.location(of: $0) }
            try configuration.requireRunnable(locate: locate)
            try configuration.checkWorld(size: group.size, hosts: group.hostCount, locate: locate).map(note)
            let run = try TrainingRun(
                configuration, checkpointRequest: fit.ckptPath, randomSeed: seed,
                environment: ProcessInfo.processInfo.environment, group: group,
                threads: Threads.ofRank(localRanks: group.localSize), backend: backend,
                isCancelled: { SignalTrap.received != nil }, announce: Console.announcer(group), note: note)
            guard run.nothingToDo == nil else { return run }
            try run.record(command: ["lam"] + CommandLine.arguments.dropFirst())
            return run
        }
        if let line = run.nothingToDo {
            note(line)
            return nil
        }
        if group.isRoot {
            SignalTrap.answer("saving a checkpoint, then ending; a second signal ends at once, without one")
        }
        // Nobody may be reading any more, which is no reason to end a training.
        signal(SIGPIPE, SIG_IGN)
        if group.isRoot { for line in run.banner + [run.costLine] { Console.write(line + "\n") } }
        // mpirun gives each process a terminal of its own, whatever its own output is.
        let isTerminal = Console.isTerminal && group.size == 1
        let environment = TrainerEnvironment(
            write: Console.draw,
            progressStyle: .choose(
                isTerminal: isTerminal, width: Console.width, isEnabled: trainer.enableProgressBar, rank: group.rank,
                noColor: !(ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty,
                everyNSteps: trainer.logEveryNSteps),
            interruption: { SignalTrap.received })
        let summary = try Trainer(run, environment: environment).fit()
        if group.isRoot { Console.write(summary.text + "\n") }
        if let missing = Console.missingProgress { note("\(missing); the run and its files are complete") }
        return summary.signal
    }

    private static func help() -> String {
        """
        OVERVIEW: Trains a latent action model.

        USAGE: lam fit --config FILE [--config FILE ...] [--section.key value ...] [--ckpt_path PATH]

        Later files and options override earlier ones; --key+=value appends to a list. Words are joined by _ or -, and
        `init_args` may be left out: --model.optimizer.lr 1e-4. Given a list of callbacks or loggers, options below stand
        in its items' init_args.

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
