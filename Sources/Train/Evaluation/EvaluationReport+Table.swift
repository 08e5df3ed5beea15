import Foundation
import LatentEvaluation
import Reports

extension EvaluationReport {
    /// A table, and the verdict below it.
    public var text: String {
        ([losses, controlTable] + (probes.isEmpty ? ["action probe: no dataset has a column `action`"] : probeTables)
            + [verdictText]).filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private var losses: String {
        let some = evaluation.samples < total ? " of \(total), spread evenly over the episodes" : ""
        let pairs = "\(evaluation.samples) \(isHeldOut ? "held-out " : "")pairs\(some)"
        var rows = [
            ["loss", evaluation.losses.total.formatted4, pairs],
            [
                evaluation.losses.names[0].tag == "mse_loss" ? "mse" : "reconstruction",
                evaluation.losses.reconstruction.formatted4,
                "\(evaluation.errorShare.formatted4) of the \"nothing changed\" baseline",
            ],
            ["nothing changed", evaluation.copyBaseline.formatted4, "of taking the first frame for the second"],
        ]
        if let psnr { rows.append(["psnr", psnr.formatted4, "dB"]) }
        rows += evaluation.losses.terms.compactMap { name, value in name.words.map { [$0, value.formatted4, ""] } }
        if let codes = evaluation.provenCodes {
            let count = codes.counts.count
            rows.append(["codes in use", "\(codes.used)", "of \(count)" + evaluation.unprovenRemark])
            rows.append(["perplexity", codes.perplexity.formatted4, "of at most \(count)"])
        }
        if let spread = evaluation.spreads.first {
            rows.append(["active dimensions", "\(spread.active)", "of \(spread.dimensions)"])
        }
        return Self.aligned(rows)
    }

    private var controlTable: String {
        guard let controls, let own = controls.error(.own) else { return "" }
        func times(_ error: Double) -> String {
            own > 0 ? "\((error / own).formatted4) times that with the own ones" : ""
        }
        var rows: [[String]] = []
        for control in LatentControl.allCases {
            guard let error = controls.error(control) else { continue }
            rows.append(["  " + control.words(latents), error.formatted4, control == .own ? "" : times(error)])
            if control == .own, let copy = controls.copyError {
                rows.append(["  nothing changed", copy.formatted4, ""])
            }
        }
        if let share = controls.shareOfGain {
            rows.append([
                "  share of the gain", share.formatted4, "of what is gained on \"nothing changed\" is the \(latents)'",
            ])
        }
        if let correlation = controls.effectCorrelation {
            rows.append([
                "  correlation", correlation.formatted4, "of what the \(latents) change with what does change",
            ])
        }
        if let error = relations?.additivityError {
            rows.append([
                "  additivity error", error.formatted4, "0 where latents of successive pairs add up, 3 by chance",
            ])
        }
        if let error = relations?.reversalError {
            rows.append([
                "  reversal error", error.formatted4, "0 where a pair turned around has the opposite, 2 by chance",
            ])
        }
        return "controls, \(controls.pairs) pairs: error of standardised features, 1 for predicting the mean\n"
            + Self.aligned(rows)
    }

    private var probeTables: [String] {
        probes.map { probe in
            let scores = probe.scores
            let title =
                "action probe, \(probe.dataset): R2 on episodes not seen (95 % interval over episodes); looked at "
                + "\(scores.pairs) pairs of \(scores.episodes) episode\(scores.episodes == 1 ? "" : "s"), "
                + "\(scores.actionWidth) numbers an action"
            guard !scores.r2.isEmpty else { return title + "\n  needs two episodes with actions that vary" }
            let head = [""] + ActionTarget.allCases.map { $0 == .chunk ? "chunk of \(scores.chunk)" : $0.words }
            let rows = ActionProbe.Source.allCases.map { source in
                ["  " + source.words]
                    + ActionTarget.allCases.map { target in
                        scores.r2[target]?[source].map {
                            String(format: "%.3f (%.3f to %.3f)", $0.value, $0.low, $0.high)
                        } ?? "-"
                    }
            }
            return title + "\n" + Self.aligned([head] + rows)
        }
    }

    /// Rows whose columns stand below each other, separated by two spaces.
    private static func aligned(_ rows: [[String]]) -> String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0 }
        return rows.map { row in
            let line = zip(row, widths).map { cell, width in
                cell + String(repeating: " ", count: max(0, width - cell.count))
            }.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }.joined(separator: "\n")
    }
}
