import Foundation

/// What `metrics.json` holds.
package struct EvaluationRecord: Codable {
    package struct Probe: Codable {
        var dataset: String
        var episodes: Int
        var pairs: Int
        var action_width: Int
        /// R² by target and source.
        package var r2: [String: [String: Double]]
        /// Actions in a chunk.
        package var chunk: Int?
        /// The bounds of the 95 % interval of each R².
        package var r2_interval: [String: [String: [Double]]]?
        /// R² of the latents minus that of a rival, with the bounds of its interval, by target and rival.
        package var lead: [String: [String: [Double]]]?

        package init(
            dataset: String, episodes: Int, pairs: Int, action_width: Int, r2: [String: [String: Double]]
        ) {
            (self.dataset, self.episodes, self.pairs) = (dataset, episodes, pairs)
            (self.action_width, self.r2) = (action_width, r2)
        }
    }

    /// What becomes of predictions with latents that are not the pair's own.
    package struct Controls: Codable {
        /// Pairs that were looked at.
        var pairs: Int
        /// Errors of standardised features by control, and what follows from them.
        package var values: [String: Double]

        package init(pairs: Int, values: [String: Double]) { (self.pairs, self.values) = (pairs, values) }
    }

    /// What the numbers mean.
    package struct Verdict: Codable {
        /// Whether latents are used, and what they are about.
        var latents: String
        var actions: String
        /// In sentences.
        var lines: [String]

        package init(latents: String, actions: String, lines: [String]) {
            (self.latents, self.actions, self.lines) = (latents, actions, lines)
        }
    }

    package static let fileName = "metrics.json"
    /// Pictures beside it, of which code follows which.
    package static let transitionsName = "code_transitions.png"
    package static let graphName = "code_transitions.svg"

    /// What actions are read off, by the name that `r2` has, and in words.
    package static let sources: [(name: String, words: String)] = [
        ("latents", "latents"), ("frame", "first frame"), ("latents_and_frame", "both"),
        ("frame_differences", "frame differences"), ("noise", "noise"),
    ]

    var checkpoint: String
    var step: Int
    var held_out: Bool
    var pairs: Int
    /// Both of the action's codes; absent where latents are continuous.
    var codes_in_use: Int?
    var code_counts: [Int]?
    /// Numbers in the latents of a pair, and those of them that vary; absent where there are codes.
    var dimensions: Int?
    var active_dimensions: Int?
    var metrics: [String: Double]
    var probes: [Probe]
    /// Pairs that there are to look at; absent in older files, like all below.
    package var pairs_in_split: Int?
    /// Codes that are not among those in use, as hardly a step was trained with them since their restart; absent of none.
    package var codes_just_restarted: [Int]?
    package var controls: Controls?
    package var verdict: Verdict?

    package init(
        checkpoint: String, step: Int, held_out: Bool, pairs: Int, codes_in_use: Int?, code_counts: [Int]?,
        dimensions: Int? = nil, active_dimensions: Int? = nil, metrics: [String: Double], probes: [Probe]
    ) {
        (self.checkpoint, self.step, self.held_out, self.pairs) = (checkpoint, step, held_out, pairs)
        (self.codes_in_use, self.code_counts) = (codes_in_use, code_counts)
        (self.dimensions, self.active_dimensions) = (dimensions, active_dimensions)
        (self.metrics, self.probes) = (metrics, probes)
    }
}

extension EvaluationRecord {
    /// Reads the text of a file.
    init(json: Data) throws {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        self = try decoder.decode(Self.self, from: json)
    }

    /// The text of the file.
    package func json() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        return [UInt8](try encoder.encode(self)) + [0x0A]
    }

    /// Tables of the values and of the action probe, as HTML.
    var html: String {
        let values = metrics.sorted { $0.key < $1.key }.map { [$0.key, $0.value.formatted4] }
        var facts = [
            ["checkpoint", checkpoint], ["step", "\(step)"], ["pairs", "\(pairs)\(held_out ? ", held out" : "")"],
        ]
        if let codes_in_use, let code_counts {
            let restarted = codes_just_restarted.map { "; \($0.count) had only just been restarted" } ?? ""
            facts.append(["codes in use", "\(codes_in_use) of \(code_counts.count)" + restarted])
        }
        if let dimensions, let active_dimensions {
            facts.append(["active dimensions", "\(active_dimensions) of \(dimensions)"])
        }
        let tables = probes.map { probe in
            let sources = Self.sources
            let rows = probe.r2.sorted { $0.key < $1.key }.map { target, scores in
                [target]
                    + sources.map { source -> String in
                        guard let value = scores[source.name] else { return "-" }
                        let bounds = probe.r2_interval?[target]?[source.name] ?? []
                        return String(format: "%.3f", value)
                            + (bounds.count == 2 ? String(format: " (%.3f to %.3f)", bounds[0], bounds[1]) : "")
                    }
            }
            return "<h3>Action probe, \(probe.dataset.escapedForXML)</h3>\n<p>R² on episodes not seen; "
                + "\(probe.episodes) episodes, \(probe.pairs) pairs, \(probe.action_width) numbers an action.</p>\n"
                + HTMLTable.of(rows, head: ["action"] + sources.map(\.words))
        }
        let sentences = verdict?.lines.map { "<p>\($0.escapedForXML)</p>" } ?? []
        let bars = controls.flatMap { ControlBars($0.values)?.figure(pairs: $0.pairs) }.map { [$0] } ?? []
        let table = HTMLTable.of(facts + values.filter { !$0[0].contains("/probe") && !$0[0].contains("/control/") })
        return (sentences + bars + [table] + tables).joined(separator: "\n")
    }
}
