import ArgumentParser
import Collectives
import Foundation
import LAMTrain

/// `lam predict`: labels every pair of every episode with its latent action.
struct PredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict", abstract: "Labels all episodes of a mix with their latent actions.",
        usage: """
            lam predict --config FILE --ckpt_path PATH|last|best [--output DIR] [--embeddings] \
            [--section.key value ...]
            """,
        discussion: """
            Writes a file per episode with the codes of each pair of frames, below a folder per dataset, and \
            latent_actions.json, which says how they were made. Nothing is augmented or sampled, and nothing is held \
            out; a window of several lengths has its middle one, data.window sets another. Episodes whose files are \
            there are not made again. The options are those of `lam fit --help`. Under mpirun the processes share the \
            episodes.
            """)

    @Option(help: ArgumentHelp("Folder of the latent actions.", valueName: "dir"))
    var output = "latent_actions"

    @Flag(help: "Also write the codes' rows of the codebook.")
    var embeddings = false

    @Argument(parsing: .allUnrecognized, help: .hidden)
    var arguments: [String] = []

    func run() throws {
        try RankedProgram.run(trapsSignals: false) { group in
            // Ranks have as long as their episodes take.
            group.timeout = .infinity
            let status: (any Error) -> Int32 = { ExitStatus.code(for: $0).rawValue }
            let note: (String) -> Void = { if group.isRoot { Console.error("note: \($0)") } }
            let fit = try group.together(for: "configuration", status: status) {
                try FitArguments.parse(arguments: arguments)
            }
            let (model, predictor) = try group.together(for: "opening of data and model", status: status) {
                try fit.configuration.requireRunnable(locate: { fit.context.location(of: $0) })
                let model = try TrainedModel(
                    fit.configuration, checkpointRequest: fit.ckptPath,
                    environment: ProcessInfo.processInfo.environment, group: group,
                    threads: Threads.ofRank(localRanks: group.localSize), note: note)
                return (
                    model,
                    try Predictor(model, output: output, format: JSONLinesLabels(), hasEmbeddings: embeddings)
                )
            }
            if group.isRoot { for line in model.banner { Console.write(line + "\n") } }
            let showsProgress = Console.isTerminal && group.size == 1
            let summary = try predictor.run(status: status) { line in
                if showsProgress { Console.write("\r\u{1B}[K" + line) }
            }
            if showsProgress { Console.write("\r\u{1B}[K") }
            if group.isRoot { Console.write(summary.text + "\n") }
            return nil
        }
    }
}
