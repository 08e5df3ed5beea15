import Configuration
import Formats
import Foundation
import LAMTrain
import Loggers
import Reports

/// What a model does on episodes, in the forms that people and programs read.
public struct EvaluationReport: Sendable {
    /// Losses of the same pairs with their own latents, and with latents of other episodes' pairs.
    struct Exchange: Sendable {
        var ownLoss: Double
        var exchangedLoss: Double
    }

    /// How much of one dataset's actions can be read off latents, frame differences and noise.
    struct Probe: Sendable {
        var dataset: String
        var episodes: Int
        var pairs: Int
        var actionWidth: Int
        /// By `ActionProbe.Source`.
        var scores: [ActionProbe.Score]

        init(dataset: String, episodes: Int, _ probe: ActionProbe) {
            (self.dataset, self.episodes, pairs) = (dataset, episodes, probe.pairs)
            actionWidth = probe.actionWidth
            scores = ActionProbe.Source.allCases.map(probe.score)
        }
    }

    let phase: MetricTag.Phase
    let checkpoint: String
    let step: Int
    let isHeldOut: Bool
    public let evaluation: Evaluation
    /// Decibels, where features are pixels.
    var psnr: Double?
    /// Nil where all pairs are of one episode.
    var exchange: Exchange?
    var probes: [Probe] = []
    /// Nil where there are too many codes for a table, and of continuous latents.
    var transitions: CodeTransitions?

    init(phase: MetricTag.Phase, checkpoint: String, step: Int, isHeldOut: Bool, evaluation: Evaluation) {
        (self.phase, self.checkpoint, self.step) = (phase, checkpoint, step)
        (self.isHeldOut, self.evaluation) = (isHeldOut, evaluation)
    }

    private static var targets: [(name: String, words: String, value: KeyPath<ActionProbe.Score, Double?>)] {
        [("mean", "mean action", \.mean), ("change", "change of action", \.change)]
    }
    private static var sources: [(name: String, words: String)] { EvaluationRecord.sources }

    // MARK: For loggers

    /// All values under their tags.
    var values: [(tag: String, value: Double)] {
        var values = MetricTag.values(of: evaluation, phase)
        if let codes = evaluation.codes.first { values.append((MetricTag.perplexity(phase), codes.perplexity)) }
        if let exchange { values.append((MetricTag.shuffledLoss(phase), exchange.exchangedLoss)) }
        if let psnr { values.append((MetricTag.psnr(phase), psnr)) }
        for probe in probes {
            for target in Self.targets {
                for (source, score) in zip(Self.sources, probe.scores) {
                    guard let value = score[keyPath: target.value] else { continue }
                    let tag = MetricTag.probe(phase, target.name, source.name, dataset: probe.dataset)
                    values.append((tag, value))
                }
            }
        }
        return values
    }

    /// Records the values as a run of its own, with `metrics.json`, `code_transitions.png` and `.svg` beside the loggers' files.
    ///
    /// - Returns: the path of `metrics.json`.
    /// - Throws: what the loggers and the disk throw.
    public func write(for configuration: LAMConfiguration) throws -> String {
        let logger = try LoggerGroup.open(for: configuration)
        try logger.log(step: step, values: values)
        let root = logger.directory.isEmpty ? configuration.trainer.defaultRootDir ?? "." : logger.directory
        try RunDirectory.createFolders(root)
        if let image = transitions?.image() {
            try logger.image(step: step, tag: "codes/transitions", image)
            try AtomicFile.write(image.encoded(), to: "\(root)/\(EvaluationRecord.transitionsName)")
        }
        if let graph = transitions?.graph() {
            try AtomicFile.write(Array(graph.utf8), to: "\(root)/\(EvaluationRecord.graphName)")
        }
        try logger.close()
        let path = "\(root)/\(EvaluationRecord.fileName)"
        try AtomicFile.write(try json(), to: path)
        return path
    }

    // MARK: For programs

    /// The text of `metrics.json`.
    func json() throws -> [UInt8] {
        let record = EvaluationRecord(
            checkpoint: checkpoint, step: step, held_out: isHeldOut, pairs: evaluation.samples,
            codes_in_use: evaluation.codes.first?.used, code_counts: evaluation.codes.first?.counts.map { Int($0) },
            dimensions: evaluation.spreads.first?.dimensions, active_dimensions: evaluation.spreads.first?.active,
            metrics: Dictionary(values.map { ($0.tag, $0.value) }, uniquingKeysWith: { first, _ in first }),
            probes: probes.map { probe in
                let r2 = Self.targets.map { target in
                    let scores = zip(Self.sources, probe.scores).compactMap { source, score in
                        score[keyPath: target.value].map { (source.name, $0) }
                    }
                    return (target.name, Dictionary(uniqueKeysWithValues: scores))
                }
                return EvaluationRecord.Probe(
                    dataset: probe.dataset, episodes: probe.episodes, pairs: probe.pairs,
                    action_width: probe.actionWidth, r2: Dictionary(uniqueKeysWithValues: r2))
            })
        return try record.json()
    }

    // MARK: For people

    /// A table.
    public var text: String {
        let pairs = "\(evaluation.samples) \(isHeldOut ? "held-out " : "")pairs"
        var rows: [(String, String, String)] = [
            ("loss", evaluation.losses.total.formatted4, pairs),
            (
                evaluation.losses.names[0].tag == "mse_loss" ? "mse" : "reconstruction",
                evaluation.losses.reconstruction.formatted4,
                "\(evaluation.errorShare.formatted4) of the \"nothing changed\" baseline"
            ),
            ("nothing changed", evaluation.copyBaseline.formatted4, "of taking the first frame for the second"),
        ]
        if let exchange {
            let factor = exchange.ownLoss > 0 ? exchange.exchangedLoss / exchange.ownLoss : .infinity
            let latents = evaluation.codes.isEmpty ? "latents" : "codes"
            rows.append(
                (
                    "shuffled \(latents)", exchange.exchangedLoss.formatted4,
                    "mse with \(latents) of other episodes, \(factor.formatted4) times that with the own ones"
                ))
        }
        if let psnr { rows.append(("psnr", psnr.formatted4, "dB")) }
        rows += evaluation.losses.terms.compactMap { name, value in name.words.map { ($0, value.formatted4, "") } }
        if let codes = evaluation.codes.first {
            let count = codes.counts.count
            rows.append(("codes in use", "\(codes.used)", "of \(count)"))
            rows.append(("perplexity", codes.perplexity.formatted4, "of at most \(count)"))
        }
        if let spread = evaluation.spreads.first {
            rows.append(("active dimensions", "\(spread.active)", "of \(spread.dimensions)"))
        }
        let label = rows.map(\.0.count).max() ?? 0, number = rows.map(\.1.count).max() ?? 0
        var lines = rows.map { row in
            let line = row.0.padded(to: label) + "  " + row.1.padded(to: number) + "  " + row.2
            return line.trimmingCharacters(in: .whitespaces)
        }
        if probes.isEmpty { lines.append("action probe: no dataset has a column `action`") }
        for probe in probes { lines += Self.table(probe) }
        return lines.joined(separator: "\n")
    }

    private static func table(_ probe: Probe) -> [String] {
        let title =
            "action probe, \(probe.dataset): R2 on episodes not seen; \(probe.episodes) episodes, \(probe.pairs) pairs, "
            + "\(probe.actionWidth) numbers an action"
        guard probe.scores.contains(where: { $0.mean != nil || $0.change != nil }) else {
            return [title, "  needs two episodes with actions that vary"]
        }
        let label = targets.map(\.words.count).max() ?? 0
        let head = "".padded(to: label + 2) + sources.map { "  " + $0.words }.joined()
        let rows = targets.map { target in
            let cells = zip(sources, probe.scores).map { source, score in
                let value = score[keyPath: target.value].map { String(format: "%.3f", $0) } ?? "-"
                return "  " + String(repeating: " ", count: max(0, source.words.count - value.count)) + value
            }
            return "  " + target.words.padded(to: label) + cells.joined()
        }
        return [title, head] + rows
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
