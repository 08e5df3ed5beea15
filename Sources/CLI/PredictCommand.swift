import ArgumentParser
import Collectives
import Configuration
import Foundation
import Inference
import LAMData
import LAMTrain

/// `lam predict`: labels every pair of every episode with its latent action.
struct PredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict", abstract: "Labels all episodes of a mix with their latent actions.",
        usage: """
            lam predict --ckpt_path PATH [--data.dataset_mix MIX] [--config FILE] [--output DIR] [--format parquet|jsonl|npz|lary] \
            [--latents codes|vectors|both] [--cameras all|KEY,...] [--merge DEST] [--merge-format v2.1|v3.0] \
            [--section.key value ...]
            """,
        discussion: """
            Writes a file per episode with the codes of each pair of frames, below a folder per dataset, and \
            latent_actions.json, which says how they were made. Nothing is augmented or sampled, and nothing is held \
            out; a window of several lengths has its middle one, data.window sets another. Episodes whose files are \
            there are not made again. The options are those of `lam fit --help`. Under mpirun the processes share the \
            episodes.
            """)

    @Option(
        name: .shortAndLong, help: ArgumentHelp("Folder of the latent actions.", valueName: "dir"),
        transform: PathArgument.read)
    var output = "latent_actions"

    @Option(
        help: """
            parquet; jsonl: a JSON object in a line for each pair; npz: NumPy arrays for each episode; lary: a file of \
            tokens for each pair and lary.csv, as the LARY benchmark takes them.
            """)
    var format = Format.parquet

    @Option(
        help: ArgumentHelp(
            """
            What to write of each pair: its codes, the vectors that they stand for, or both; by default codes, and \
            vectors where the bottleneck has no codes.
            """, valueName: "codes|vectors|both"))
    var latents: LabelContent?

    @Flag(help: "The same as --latents both.")
    var embeddings = false

    @Option(
        help: ArgumentHelp(
            """
            Cameras to label: `all`, or names with commas; by default the one that a training takes. Several cameras \
            of a dataset have a folder each.
            """, valueName: "all|KEY,..."))
    var cameras: String?

    @Option(
        help: ArgumentHelp(
            """
            Then write copies of the LeRobot datasets to DEST/NAME, with the codes as the feature latent_action of \
            each frame, -1 where no pair begins, and vectors as latent_embedding. Videos take no further space on the same disk.
            """, valueName: "dest"), transform: PathArgument.read)
    var merge: String?

    @Option(
        name: .customLong("merge-format"),
        help: "LeRobot's version of these copies, v2.1 or v3.0; by default the one of their source.")
    var mergeFormat: ConvertCommand.TargetFormat?

    @Argument(parsing: .allUnrecognized, help: .hidden)
    var arguments: [String] = []

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case parquet, jsonl, npz, lary

        var labels: any LabelFormat {
            switch self {
            case .parquet: ParquetLabels()
            case .jsonl: JSONLinesLabels()
            case .npz: NPZLabels()
            case .lary: LARYLabels()
            }
        }
    }

    func validate() throws {
        guard format != .lary || latents != .codes else {
            throw ValidationError(
                "--latents: expected vectors or both with --format lary, whose tokens are vectors, got codes")
        }
        if let mergeFormat, merge == nil {
            throw ValidationError("--merge-format \(mergeFormat.rawValue): expected --merge DEST with it, got none")
        }
        if embeddings, let latents, latents != .both {
            throw ValidationError(
                "--embeddings is --latents both, but --latents is \(latents.rawValue); keep one of them")
        }
    }

    /// Continuous latents have always been written under `--embeddings`.
    private func content(hasCodes: Bool) -> LabelContent? {
        // The benchmark's probes read vectors.
        let wantsVectors = embeddings || format == .lary
        return latents ?? (wantsVectors ? (hasCodes ? .both : .vectors) : nil)
    }

    func run() throws {
        // Files are whole or absent, so there is nothing to finish first.
        SignalTrap.answer("ended before the first label; the same command begins anew")
        SignalTrap.install(endsAtOnce: true)
        try RankedProgram.run(trapsSignals: false) { group in
            if !group.isRoot { SignalTrap.answer(nil) }
            // Ranks have as long as their episodes take.
            group.timeout = .infinity
            let status: (any Error) -> Int32 = { ExitStatus.code(for: $0).rawValue }
            let note: (String) -> Void = { if group.isRoot { Console.error("note: \($0)") } }
            let fit = try group.together(for: "configuration", status: status) {
                try FitArguments.parse(arguments: arguments, saved: TrainedModel.savedOptions)
            }
            let trainer = fit.configuration.trainer
            if trainer.accelerator != .cpu, ![.auto, .count(1)].contains(trainer.devices) {
                note("trainer.devices: predict uses the first device alone")
            }
            let (model, predictor) = try group.together(for: "opening of data and model", status: status) {
                try fit.configuration.requireRunnable(locate: { fit.context.location(of: $0) })
                let model = try TrainedModel(
                    fit.configuration, checkpointRequest: fit.ckptPath,
                    cameras: cameras.map { CameraSelection($0) } ?? .configured,
                    environment: ProcessInfo.processInfo.environment, group: group,
                    threads: Threads.ofRank(localRanks: group.localSize), announce: Console.announcer(group), note: note
                )
                return (
                    model,
                    try Predictor(
                        model, output: output, format: format.labels,
                        content: content(hasCodes: fit.configuration.model.bottleneck.choice.kind.hasCodes),
                        merged: merge, mergedVersion: mergeFormat?.version)
                )
            }
            if group.isRoot { for line in model.banner { Console.write(line + "\n") } }
            if group.isRoot { model.doubts.forEach(note) }
            let redraws = Console.isTerminal && group.size == 1
            let summary = try predictor.run(status: status) { progress in
                guard group.isRoot else { return }
                SignalTrap.answer(progress.afterInterruption)
                if redraws {
                    Console.redraw(progress.line)
                } else if progress.isDue {
                    Console.write(progress.line + "\n")
                }
            }
            if redraws { Console.redraw("") }
            if group.isRoot { print(summary.text) }
            if group.isRoot, let merge { MergedVersionNote.lines(below: merge).forEach(note) }
            return nil
        }
    }
}

extension LabelContent: ExpressibleByArgument {}
