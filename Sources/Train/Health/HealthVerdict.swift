import Foundation
import LAM
import Reports

/// How a run goes, in words.
package struct HealthVerdict {
    /// What may be wrong.
    enum Finding: String {
        case collapse, noBetterThanCopy, stillFrames, waiting
    }

    let step: Int
    /// Codes in use since the last verdict.
    let live: Int
    let codes: Int
    let perplexity: Double
    /// Loss of predicting that nothing changes.
    let baseline: Double
    /// The error as a share of it; nil where it is 0.
    let share: Double?
    let previousShare: Double?
    /// How much latents vary that are no codes.
    var spread: LatentSpread?
    let waiting: Double?
    /// New ones: what was there at the last verdict is not said again.
    package var warnings: [String] = []

    /// A smaller change of the share counts as none.
    private static let steadyChange = 0.02
    /// Features and normalised pixels have variances near 1; below this share of it nothing moves.
    private static let stillBaseline = 1e-3
    private static let longWaiting = 0.5

    init(
        step: Int, live: Int, codes: Int, perplexity: Double, baseline: Double, share: Double?, previousShare: Double?,
        waiting: Double?
    ) {
        (self.step, self.live, self.codes, self.perplexity) = (step, live, codes, perplexity)
        (self.baseline, self.share, self.previousShare, self.waiting) = (baseline, share, previousShare, waiting)
    }

    private enum Trend: String {
        case improving, steady, worsening
    }

    private var trend: Trend? {
        guard let share, let previousShare, previousShare > 0 else { return nil }
        let change = share / previousShare - 1
        return change < -Self.steadyChange ? .improving : change > Self.steadyChange ? .worsening : .steady
    }

    /// One line: `step 500: 7 of 16 codes live (perplexity 5.2), reconstruction 31 % under the copy baseline, improving`.
    package var text: String {
        var parts =
            codes > 0 ? ["\(live) of \(codes) codes live (perplexity \(String(format: "%.1f", perplexity)))"] : []
        if let spread { parts.append("\(spread.active) of \(spread.dimensions) dimensions active") }
        if let share {
            let percent = Int(min(999_999, abs(1 - share) * 100).rounded())
            parts.append("reconstruction \(percent) % \(share < 1 ? "under" : "over") the copy baseline")
        }
        if let trend { parts.append(trend.rawValue) }
        if parts.isEmpty { parts.append("nothing changes between the frames") }
        return "step \(step): " + parts.joined(separator: ", ")
    }

    var findings: [Finding] {
        var found: [Finding] = []
        if codes > 2, live * 8 <= codes || perplexity < 1.5 { found.append(.collapse) }
        if let spread, spread.pairs > 1, spread.active * 8 <= spread.dimensions { found.append(.collapse) }
        if baseline < Self.stillBaseline {
            found.append(.stillFrames)
        } else if let share, share >= 1, let trend, trend != .improving {
            found.append(.noBetterThanCopy)
        }
        if let waiting, waiting > Self.longWaiting { found.append(.waiting) }
        return found
    }

    /// What is wrong, and what to do.
    func warning(_ finding: Finding, restartsCodes: Bool) -> String {
        let text =
            switch finding {
            case .collapse where spread != nil:
                "the latents collapse: \(spread?.active ?? 0) of \(spread?.dimensions ?? 0) dimensions vary from pair to "
                    + "pair; lower model.bottleneck.beta or model.optimizer.lr"
            case .collapse:
                "the codes collapse: \(live) of \(codes) in use, perplexity \(String(format: "%.1f", perplexity)); "
                    + (restartsCodes
                        ? "raise data.batch_size, or lower model.optimizer.lr or model.vq_beta"
                        : "set model.restart to encoder")
            case .noBetterThanCopy:
                "the prediction is no better than \"nothing changed\" and does not improve; lower "
                    + "model.optimizer.lr or add warm-up steps, and look at the pairs with lam inspect --pairs"
            case .stillFrames:
                "both frames of a pair are nearly the same (baseline \(baseline.formatted4)); raise data.window"
            case .waiting:
                "\(Int(((waiting ?? 0) * 100).rounded())) % of the time goes into waiting for data; raise "
                    + "data.num_workers, or keep features with data.feature_cache"
            }
        return "warning: step \(step): " + text
    }
}
