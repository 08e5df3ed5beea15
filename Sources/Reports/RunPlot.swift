import Formats

/// `lam plot`: the curves of one run or several on one page.
public struct RunPlot {
    private let runs: [RunLog]

    /// What is drawn where it was logged, in this order.
    private static let tags = [
        "train_loss_step", RunLog.errorShareTag(.train), "train/mse_loss_step", "train/copy_baseline_step", "val_loss",
        RunLog.errorShareTag(.val), "val/mse_loss", "val/copy_baseline", "train/q_loss_step", "train/commit_loss_step",
        "train/q_loss_uncontrol_step",
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

    /// The tags that are drawn.
    var shown: [String] { (Self.tags + otherLosses).filter { tag in runs.contains { $0.series[tag] != nil } } }

    private var drawing: Drawing {
        let charts = shown.map { tag in
            let curves = runs.enumerated().compactMap { place, run in run.series[tag].map { (run: place, series: $0) } }
            return CurveChart(title: tag, unit: MetricWords.unit(tag), curves: curves)
        }
        let head = Self.line * runs.count + 12
        let rows = (charts.count + Self.columns - 1) / Self.columns
        var page = Drawing(width: Self.columns * CurveChart.width, height: head + rows * CurveChart.height)
        for (place, run) in runs.enumerated() {
            page.text(
                run.name, x: 12, y: Double(Self.line * (place + 1)),
                color: CurveChart.colors[place % CurveChart.colors.count],
                isBold: true)
        }
        for (place, chart) in charts.enumerated() {
            page.add(
                chart.drawing, x: Double(place % Self.columns * CurveChart.width),
                y: Double(head + place / Self.columns * CurveChart.height))
        }
        return page
    }

    /// The page, an SVG file that stands alone.
    public func svg() -> String { drawing.svg }

    /// The page as a picture.
    public func image() -> PNGImage { drawing.image() }

    /// Writes the page: as PNG where the path ends in `.png`, as SVG where it ends in `.svg`.
    ///
    /// - Throws: `ReportError.unknownPictureFormat` for another ending, `FormatError` of the file.
    public func write(to path: String) throws {
        switch path.split(separator: ".").last?.lowercased() {
        case "png": try AtomicFile.write(image().encoded(), to: path)
        case "svg": try AtomicFile.write(Array(svg().utf8), to: path)
        default: throw ReportError.unknownPictureFormat(path: path)
        }
    }
}
