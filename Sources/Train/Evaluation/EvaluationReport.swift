import Configuration
import Formats
import Foundation
import LatentEvaluation
import Loggers
import Reports

/// What a model does on episodes, in the forms that people and programs read.
public struct EvaluationReport: Sendable {
    let phase: MetricTag.Phase
    let checkpoint: String
    let step: Int
    let isHeldOut: Bool
    public let evaluation: Evaluation
    /// Pairs that there are; `evaluation.samples` of them were looked at.
    let total: Int
    /// Decibels, where features are pixels.
    let psnr: Double?
    let controls: ControlSums?
    let relations: LatentRelations?
    let probes: [(dataset: String, scores: ProbeScores)]
    let transitions: CodeTransitions?
    let verdict: LatentVerdict?

    init(
        phase: MetricTag.Phase, checkpoint: String, step: Int, isHeldOut: Bool, _ findings: ModelEvaluator.Findings
    ) {
        (self.phase, self.checkpoint, self.step) = (phase, checkpoint, step)
        (self.isHeldOut, evaluation, total) = (isHeldOut, findings.evaluation, findings.total)
        (psnr, controls, relations) = (findings.psnr, findings.controls, findings.relations)
        (probes, transitions) = (findings.probes, findings.transitions)
        let latents = Self.latents(findings.evaluation)
        verdict = findings.controls.map { LatentVerdict($0, probes: findings.probes, latents: latents) }
    }

    /// What latents are called.
    private static func latents(_ evaluation: Evaluation) -> String { evaluation.codes.isEmpty ? "latents" : "codes" }
    var latents: String { Self.latents(evaluation) }

    /// What the numbers mean, in sentences, one a line.
    public var verdictText: String { verdict?.lines.joined(separator: "\n") ?? "" }

    // MARK: For loggers

    /// All values under their tags.
    var values: [(tag: String, value: Double)] {
        var values = MetricTag.values(of: evaluation, phase)
        if let codes = evaluation.provenCodes { values.append((MetricTag.perplexity(phase), codes.perplexity)) }
        if let psnr { values.append((MetricTag.psnr(phase), psnr)) }
        values += controlValues.map { (MetricTag.control(phase, $0.name), $0.value) }
        for probe in probes {
            for target in ActionTarget.allCases {
                for source in ActionProbe.Source.allCases {
                    guard let found = probe.scores.r2[target]?[source] else { continue }
                    let tag = MetricTag.probe(phase, target.rawValue, source.rawValue, dataset: probe.dataset)
                    values.append((tag, found.value))
                }
            }
        }
        return values
    }

    /// What was found with exchanged latents, by the names that files have.
    private var controlValues: [(name: String, value: Double)] {
        guard let controls else { return [] }
        let errors = LatentControl.allCases.map { ($0.name, controls.error($0)) }
        let others: [(String, Double?)] = [
            ("nothing_changed", controls.copyError), ("share_of_gain", controls.shareOfGain),
            ("effect_correlation", controls.effectCorrelation),
            ("cosine_prediction_future", controls.cosineOfPredictionAndFuture),
            ("cosine_current_future", controls.cosineOfCurrentAndFuture),
            ("cosine_prediction_current", controls.cosineOfPredictionAndCurrent),
            ("additivity_error", relations?.additivityError), ("reversal_error", relations?.reversalError),
        ]
        return (errors + others).compactMap { name, value in value.map { (name, $0) } }
    }

    /// Records the values as a run of its own.
    ///
    /// - Returns: the path of `metrics.json`.
    /// - Throws: what the loggers and the disk throw.
    public func write(for configuration: LAMConfiguration) throws -> String {
        let logger = try LoggerGroup.open(for: configuration)
        let path = try write(to: logger, in: configuration.trainer.defaultRootDir ?? ".", logged: step)
        try logger.close()
        return path
    }

    /// Logs the values, and writes `metrics.json`, `code_transitions.png` and `.svg` beside the loggers' files.
    ///
    /// - Parameters:
    ///   - folder: without loggers that have one.
    ///   - logged: the step that values are logged with; nil logs none.
    /// - Returns: the path of `metrics.json`.
    func write(to logger: LoggerGroup, in folder: String, logged: Int?) throws -> String {
        if let logged { try logger.log(step: logged, values: values) }
        let root = logger.directory.isEmpty ? folder : logger.directory
        try Folder.create(root)
        if let image = transitions?.image() {
            if let logged { try logger.image(step: logged, tag: "codes/transitions", image) }
            try AtomicFile.write(image.encoded(), to: "\(root)/\(EvaluationRecord.transitionsName)")
        }
        if let graph = transitions?.graph() {
            try AtomicFile.write(Array(graph.utf8), to: "\(root)/\(EvaluationRecord.graphName)")
        }
        let path = "\(root)/\(EvaluationRecord.fileName)"
        try AtomicFile.write(try json(), to: path)
        return path
    }

    // MARK: For programs

    /// The text of `metrics.json`.
    func json() throws -> [UInt8] {
        var record = EvaluationRecord(
            checkpoint: checkpoint, step: step, held_out: isHeldOut, pairs: evaluation.samples,
            codes_in_use: evaluation.provenCodes?.used, code_counts: evaluation.codes.first?.counts.map { Int($0) },
            dimensions: evaluation.spreads.first?.dimensions, active_dimensions: evaluation.spreads.first?.active,
            metrics: Dictionary(values.map { ($0.tag, $0.value) }, uniquingKeysWith: { first, _ in first }),
            probes: probes.map { EvaluationRecord.Probe($0.dataset, $0.scores) })
        record.pairs_in_split = total
        let restarted = evaluation.unproven.filter { evaluation.codes[0].counts[$0] > 0 }.sorted()
        record.codes_just_restarted = restarted.isEmpty ? nil : restarted
        if let controls {
            record.controls = EvaluationRecord.Controls(
                pairs: controls.pairs,
                values: Dictionary(uniqueKeysWithValues: controlValues.map { ($0.name, $0.value) }))
        }
        record.verdict = verdict.map {
            EvaluationRecord.Verdict(latents: $0.use.rawValue, actions: $0.meaning.rawValue, lines: $0.lines)
        }
        return try record.json()
    }
}

extension EvaluationRecord.Probe {
    init(_ dataset: String, _ scores: ProbeScores) {
        typealias Intervals = [ActionTarget: [ActionProbe.Source: ProbeScores.Interval]]
        func named<Value>(
            _ intervals: Intervals, _ value: (ProbeScores.Interval) -> Value
        ) -> [String: [String: Value]] {
            Dictionary(
                uniqueKeysWithValues: intervals.map { target, sources in
                    let named = sources.map { ($0.key.rawValue, value($0.value)) }
                    return (target.rawValue, Dictionary(uniqueKeysWithValues: named))
                })
        }
        self.init(
            dataset: dataset, episodes: scores.episodes, pairs: scores.pairs, action_width: scores.actionWidth,
            r2: named(scores.r2) { $0.value })
        chunk = scores.chunk
        r2_interval = named(scores.r2) { [$0.low, $0.high] }
        lead = named(scores.lead) { [$0.value, $0.low, $0.high] }
    }
}
