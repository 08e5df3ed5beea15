import Foundation

/// What the numbers of an evaluation mean, in words: whether latents are used, whether they are about the actions, and what
/// to try next.
package struct LatentVerdict: Equatable, Sendable {
    package enum Use: String, Sendable {
        /// The decoder predicts no better than if nothing changed.
        case notBetterThanCopy = "not_better_than_copy"
        /// Other pairs' latents do as well.
        case unused
        /// Other pairs' latents do nearly as well.
        case barelyUsed = "barely_used"
        case used
    }

    package enum Meaning: String, Sendable {
        /// Nothing to compare with.
        case unknown
        /// The latents tell more of the actions than every rival.
        case aboutAction = "about_action"
        /// What they tell, the first frame alone tells as well.
        case aboutFrame = "about_frame"
        /// What they tell, the difference of both frames tells as well.
        case noMoreThanDifferences = "no_more_than_differences"
        /// They tell nothing of the actions.
        case notAboutAction = "not_about_action"
    }

    /// The error with others' latents over that with the own ones, below which these count as not used, or barely used.
    static let unusedRatio = 1.02
    static let barelyUsedRatio = 1.2
    /// A lead in R2 below which a rival tells as much: principal components are cut at the latents' width, and a copy of what
    /// they are made of leads them by about as much.
    package static let leastLead = 0.02

    package let use: Use
    package let meaning: Meaning
    /// Sentences, each a line.
    package let lines: [String]

    /// - Parameters:
    ///   - controls: of the pairs that were looked at.
    ///   - probes: by dataset.
    ///   - latents: "codes" or "latents".
    package init(_ controls: ControlSums, probes: [(dataset: String, scores: ProbeScores)], latents: String) {
        var lines: [String] = []
        (use, lines) = Self.use(controls, latents)
        var advice = use.advice(latents)
        // The dataset with most pairs decides; the table has all.
        if let probe = probes.max(by: { $0.scores.pairs < $1.scores.pairs }) {
            let found = Self.meaning(probe.scores, latents)
            meaning = found.meaning
            let name = probes.count > 1 ? "\(probe.dataset): " : ""
            lines.append(name + found.line)
            if use == .used { advice = found.meaning.advice(latents) }
        } else {
            meaning = .unknown
            lines.append(
                "No dataset has a column `action`, so nobody can say whether the \(latents) are about actions.")
        }
        if let advice { lines.append("Next: " + advice) }
        self.lines = lines
    }

    private static func use(_ controls: ControlSums, _ latents: String) -> (Use, [String]) {
        guard let own = controls.error(.own), let copy = controls.copyError else {
            return (.unused, ["No pairs were looked at."])
        }
        let share = copy > 0 ? own / copy : .infinity
        let others = [LatentControl.otherEpisode, .sameEpisode].compactMap { control in
            controls.error(control).map { (control, own > 0 ? $0 / own : $0 > 0 ? .infinity : 1) }
        }
        // Where a single episode was looked at, there is none to take latents from but itself.
        guard let (control, ratio) = others.first else {
            return (.unused, ["A single pair was looked at, which tells nothing of the \(latents)."])
        }
        let whose = control == .otherEpisode ? "of another episode" : "of another pair of the episode"
        let times = { text($0) == "1" ? "" : "\(text($0)) times " }
        let factor = "the error with the \(latents) \(whose) is \(times(ratio))that with the own ones"
        if share >= 1 {
            return (
                .notBetterThanCopy,
                [
                    "The model predicts no better than \"nothing changed\": in standardised features its error is "
                        + "\(times(share))as large; \(factor)."
                ]
            )
        }
        let use: Use = ratio < unusedRatio ? .unused : ratio < barelyUsedRatio ? .barelyUsed : .used
        let words =
            switch use {
            case .unused, .notBetterThanCopy: "are not used"
            case .barelyUsed: "are barely used"
            case .used: "are used"
            }
        var line = "The \(latents) \(words): \(factor)"
        if let gain = controls.shareOfGain, use != .unused {
            line += "; \(text(100 * min(1, max(0, gain)))) % of the gain on \"nothing changed\" is theirs"
        }
        return (use, [line + "."])
    }

    private static func meaning(_ scores: ProbeScores, _ latents: String) -> (meaning: Meaning, line: String) {
        let judged = ActionTarget.allCases.compactMap { target -> (ActionTarget, ActionProbe.Source)? in
            scores.strongestRival(at: target).map { (target, $0) }
        }
        // Where they lead most clearly: which actions latents stand for depends on what a dataset calls an action.
        let best = judged.max { a, b in
            (scores.lead[a.0]?[a.1]?.low ?? 0) < (scores.lead[b.0]?[b.1]?.low ?? 0)
        }
        guard let (target, rival) = best, let own = scores.r2[target]?[.latents], let other = scores.r2[target]?[rival],
            let lead = scores.lead[target]?[rival]
        else {
            return (
                .unknown,
                "Whether the \(latents) are about actions cannot be said: \(scores.pairs) pairs of \(scores.episodes) "
                    + "episode\(scores.episodes == 1 ? "" : "s") were looked at, and it takes two episodes with actions that vary."
            )
        }
        func figures(_ rival: ActionProbe.Source, _ other: ProbeScores.Interval, _ lead: ProbeScores.Interval) -> String
        {
            "R2 of the \(target.words) \(figure(own.value)), of \(rival.words) \(figure(other.value)), lead "
                + "\(figure(lead.value)) (95 %: \(figure(lead.low)) to \(figure(lead.high)))"
        }
        if own.high <= 0 || own.value < 0.01 {
            return (.notAboutAction, "The \(latents) tell nothing of the actions: \(figures(rival, other, lead)).")
        }
        if lead.low > 0, lead.value >= leastLead {
            return (
                .aboutAction,
                "The \(latents) are about the action, more than every rival: \(figures(rival, other, lead))."
                    + others(than: target, scores, judged)
            )
        }
        // What the first frame tells by itself says nothing of a change, whatever else tells more.
        if let other = scores.r2[target]?[.frame], let lead = scores.lead[target]?[.frame],
            lead.low <= 0 || lead.value < leastLead
        {
            return (
                .aboutFrame,
                "The \(latents) tell no more of the actions than \(ActionProbe.Source.frame.phrase): "
                    + "\(figures(.frame, other, lead))."
            )
        }
        return (
            rival == .noise ? .notAboutAction : .noMoreThanDifferences,
            "The \(latents) tell no more of the actions than \(rival.phrase): \(figures(rival, other, lead))."
        )
    }

    /// At which other targets they do not lead, which the one that is quoted would hide.
    private static func others(
        than best: ActionTarget, _ scores: ProbeScores, _ judged: [(ActionTarget, ActionProbe.Source)]
    ) -> String {
        let behind = judged.filter { target, rival in
            guard target != best, let lead = scores.lead[target]?[rival] else { return false }
            return lead.low <= 0 || lead.value < leastLead
        }
        return behind.isEmpty ? "" : " Not so of the \(behind.map(\.0.words).joined(separator: ", nor of the "))."
    }

    /// Three decimals, and no minus before a zero.
    private static func figure(_ value: Double) -> String {
        String(format: "%.3f", abs(value) < 0.0005 ? 0 : value)
    }
    private static func text(_ value: Double) -> String { value.isFinite ? String(format: "%.3g", value) : "many" }
}

extension ActionProbe.Source {
    fileprivate var phrase: String {
        switch self {
        case .frame: "the first frame alone does"
        case .frameDifferences: "plain differences of the frames do"
        case .noise: "noise does"
        case .latents, .both: "they do themselves"
        }
    }
}

extension LatentVerdict.Use {
    fileprivate func advice(_ latents: String) -> String? {
        switch self {
        case .notBetterThanCopy:
            "train longer; if it stays so, frames too close together may be the reason: raise data.window."
        case .unused, .barelyUsed:
            "train longer, and raise data.window so that the first frame does not tell the second; then try a smaller "
                + "decoder or a wider bottleneck."
        case .used: nil
        }
    }
}

extension LatentVerdict.Meaning {
    fileprivate func advice(_ latents: String) -> String? {
        switch self {
        case .aboutAction: "label the dataset with `lam predict`."
        case .aboutFrame:
            "the \(latents) may carry the scene: train longer, and try a narrower bottleneck with data.image_aug on."
        case .noMoreThanDifferences:
            "train longer and on more episodes; a larger data.window asks for more than pixels that move."
        case .notAboutAction:
            "what moves is not what acts: look at the contact sheets for camera or light, and choose another camera "
                + "(data.image_keys) or stage 2 (config/univla-stage-2.yaml)."
        case .unknown: "compare the contact sheets, or validate on a dataset that has actions."
        }
    }
}
