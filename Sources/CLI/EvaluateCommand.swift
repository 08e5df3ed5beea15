import ArgumentParser
import Collectives
import Configuration
import Foundation
import Inference
import LAMTrain
import Tensor

/// `lam validate`: what a checkpoint is worth on held-out episodes.
struct ValidateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate", abstract: "Measures a checkpoint on held-out episodes.",
        usage: EvaluateProgram.usage("validate"), discussion: EvaluateProgram.discussion)

    @Argument(parsing: .captureForPassthrough, help: .hidden)
    var arguments: [String] = []

    func run() throws { try EvaluateProgram.run(arguments, phase: .val, help: { Self.helpMessage() }) }
}

/// `lam test`: the same with tags and logs of its own.
struct TestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Measures a checkpoint as `validate` does, under the tags test/….",
        usage: EvaluateProgram.usage("test"), discussion: EvaluateProgram.discussion)

    @Argument(parsing: .captureForPassthrough, help: .hidden)
    var arguments: [String] = []

    func run() throws { try EvaluateProgram.run(arguments, phase: .test, help: { Self.helpMessage() }) }
}

/// What both commands do.
enum EvaluateProgram {
    static func usage(_ command: String) -> String {
        "lam \(command) --ckpt_path PATH [--data.dataset_mix MIX] [--config FILE] [--section.key value ...]"
    }

    static let discussion = """
        Losses, code use, the error with latents that are not the pair's own, PSNR of pixels, and how well ridge regression \
        reads the recorded actions off the latents and off their rivals. Prints a table and what it means; writes \
        metrics.json and TensorBoard events.

        Model and data are configured as the checkpoint's were; a file and options change that. Looks at the episodes that \
        data.val_fraction holds out; of a mix that was not trained on, or with 0, at all. \
        trainer.limit_val_batches and limit_test_batches bound the pairs, which are spread evenly over the episodes. With \
        --config, --ckpt_path may be `last` or `best`. The options are those of `lam fit --help`. Under mpirun the \
        processes share the work.
        """

    static func run(_ arguments: [String], phase: MetricTag.Phase, help: () -> String) throws {
        if arguments.contains("--help") || arguments.contains("-h") {
            print(help())
            return
        }
        try RankedProgram.run(trapsSignals: false) { group in
            let status: (any Error) -> Int32 = { ExitStatus.code(for: $0).rawValue }
            let fit = try group.together(for: "configuration", status: status) {
                try FitArguments.parse(arguments: arguments, saved: TrainedModel.savedOptions)
            }
            return try ReplicatedProgram.run(fit.configuration, group) { group, backend in
                try evaluate(fit, phase, group, backend)
            }
        }
    }

    private static func evaluate(
        _ fit: ParsedFit, _ phase: MetricTag.Phase, _ group: any ProcessGroup, _ backend: (any Backend)?
    ) throws -> Int32? {
        let configuration = fit.configuration
        let note: (String) -> Void = { if group.isRoot { Console.error("note: \($0)") } }
        group.timeout = configuration.trainer.timeout
        let (model, evaluator) = try group.together(
            for: "opening of data and model", status: { ExitStatus.code(for: $0).rawValue }
        ) {
            try configuration.requireRunnable(locate: { fit.context.location(of: $0) })
            let model = try TrainedModel(
                configuration, checkpointRequest: fit.ckptPath,
                environment: ProcessInfo.processInfo.environment, group: group,
                threads: Threads.ofRank(localRanks: group.localSize), backend: backend,
                announce: Console.announcer(group), note: note)
            return (model, try Evaluator(model, phase: phase, note: note))
        }
        if group.isRoot { for line in model.banner { Console.write(line + "\n") } }
        let report = try evaluator.run { if group.isRoot { Console.write($0 + "\n") } }
        guard group.isRoot else { return nil }
        print(report.text)
        print("written to \(try report.write(for: configuration))")
        return nil
    }
}
