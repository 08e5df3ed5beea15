import Formats

/// `lam plot`: the curves of one run or several on one page.
public struct RunPlot {
    private let runs: [RunLog]

    /// What is drawn where it was logged, in this order.
    private static let tags = [
        "train_loss_step", "train/mse_loss_step", "train/copy_baseline_step", "val_loss", "val/mse_loss",
        "val/copy_baseline", "train/q_loss_step", "train/commit_loss_step", "train/q_loss_uncontrol_step",
        "train/commit_loss_uncontrol_step", "train/code_usage_step", "train/perplexity_step", "val/code_usage",
        "train/kl_loss_step", "train/active_dimensions_step", "val/active_dimensions",
        "codes/dead", "codes/oldest_age", "codes/restarts", "grad_norm_step", "lr-AdamW",
        "throughput/samples_per_second", "throughput/ceiling_share", "throughput/data_wait",
    ]
    private static let columns = 2
    private static let line = 18

    /// - Parameter paths: of runs, as `RunLog` takes them.
    /// - Throws: `ReportError`.
    public init(paths: [String]) throws { runs = try paths.map { try RunLog(path: $0) } }

    init(_ runs: [RunLog]) { self.runs = runs }

    /// Terms of the loss that are not among `tags`: a model names its own.
    private var otherLosses: [String] {
        let found = Set(runs.flatMap(\.series.keys)).subtracting(Self.tags)
        return found.filter { $0.hasPrefix("train/") && $0.hasSuffix("_loss_step") }.sorted()
    }

    /// The page, an SVG file that stands alone.
    public func svg() -> String {
        let charts = (Self.tags + otherLosses).compactMap { tag -> CurveChart? in
            let curves = runs.enumerated().compactMap { place, run in run.series[tag].map { (run: place, series: $0) } }
            return curves.isEmpty ? nil : CurveChart(title: tag, curves: curves)
        }
        let head = Self.line * runs.count + 12
        let rows = (charts.count + Self.columns - 1) / Self.columns
        let (width, height) = (Self.columns * CurveChart.width, head + rows * CurveChart.height)
        let names = runs.enumerated().map { place, run in
            "<text x=\"12\" y=\"\(Self.line * (place + 1))\" class=\"title\" "
                + "fill=\"\(CurveChart.colors[place % CurveChart.colors.count])\">\(run.name.escapedForXML)</text>"
        }
        let drawn = charts.enumerated().map { place, chart in
            chart.svg(
                x: place % Self.columns * CurveChart.width, y: head + place / Self.columns * CurveChart.height)
        }
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(width) \(height)" width="\(width)" height="\(height)">
            <style>text{font:12px sans-serif}.title{font-weight:bold}.tick{font-size:10px;fill:#666}\
            .grid{stroke:#e4e4e4}polyline{fill:none;stroke-width:1.4}</style>
            <rect width="100%" height="100%" fill="white"/>
            \((names + drawn).joined(separator: "\n"))
            </svg>

            """
    }

    /// Writes the page.
    /// - Throws: `FormatError`.
    public func write(to path: String) throws { try AtomicFile.write(Array(svg().utf8), to: path) }
}
