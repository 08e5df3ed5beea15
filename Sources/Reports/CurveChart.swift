import Formats
import Foundation

/// Curves of one value over optimiser steps, as SVG.
struct CurveChart {
    static let width = 460
    static let height = 250

    let title: String
    /// Place among the runs, which decides the colour, and points.
    let curves: [(run: Int, series: RunLog.Series)]

    static let colors = ["#1f6fb4", "#d1622b", "#2a8f4d", "#a33ba3", "#8c6d1f", "#c0394b", "#4c4c4c", "#2699a6"]
    /// More points than this are no longer told apart.
    private static let largestPoints = 500
    private static let (left, right, top, bottom) = (56.0, 12.0, 26.0, 26.0)

    /// An element `g`, to be placed at (x, y) of a page.
    func svg(x: Int, y: Int) -> String {
        let all = curves.flatMap { $0.series.values }
        guard let low = all.min(), let high = all.max(),
            let first = curves.compactMap(\.series.steps.first).min(),
            let last = curves.compactMap(\.series.steps.last).max(),
            // What has diverged that far has no scale.
            abs(low) < 1e300, abs(high) < 1e300
        else { return "" }
        let margin = high > low ? 0.05 * (high - low) : high == 0 ? 1 : abs(high) * 0.1
        let (bottomValue, topValue) = (low - margin, high + margin)
        let plotWidth = Double(Self.width) - Self.left - Self.right
        let plotHeight = Double(Self.height) - Self.top - Self.bottom
        func across(_ step: Double) -> Double {
            Self.left + (last > first ? (step - Double(first)) / Double(last - first) : 0.5) * plotWidth
        }
        func down(_ value: Double) -> Double {
            Self.top + (topValue - value) / (topValue - bottomValue) * plotHeight
        }
        var parts = ["<g transform=\"translate(\(x) \(y))\">"]
        parts.append("<text x=\"\(Self.left)\" y=\"16\" class=\"title\">\(title.escapedForXML)</text>")
        for tick in Self.ticks(bottomValue, topValue) {
            let place = Self.number(down(tick))
            parts.append(
                "<line class=\"grid\" x1=\"\(Self.left)\" x2=\"\(Double(Self.width) - Self.right)\" y1=\"\(place)\" "
                    + "y2=\"\(place)\"/><text class=\"tick\" text-anchor=\"end\" x=\"\(Self.left - 5)\" y=\"\(place)\" "
                    + "dy=\"4\">\(Self.label(tick))</text>")
        }
        for tick in Self.ticks(Double(first), Double(last)) {
            parts.append(
                "<text class=\"tick\" text-anchor=\"middle\" x=\"\(Self.number(across(tick)))\" "
                    + "y=\"\(Self.height - 8)\">\(Self.label(tick))</text>")
        }
        for (run, series) in curves {
            let points = Self.thinned(series).map { "\(Self.number(across($0))),\(Self.number(down($1)))" }
            let color = Self.colors[run % Self.colors.count]
            if points.count == 1 {
                let place = points[0].split(separator: ",")
                parts.append("<circle cx=\"\(place[0])\" cy=\"\(place[1])\" r=\"2.5\" fill=\"\(color)\"/>")
            } else {
                parts.append("<polyline stroke=\"\(color)\" points=\"\(points.joined(separator: " "))\"/>")
            }
        }
        return (parts + ["</g>"]).joined(separator: "\n")
    }

    /// Means of neighbouring points, so that no more are left than can be told apart.
    static func thinned(_ series: RunLog.Series) -> [(step: Double, value: Double)] {
        let size = (series.steps.count + largestPoints - 1) / largestPoints
        return stride(from: 0, to: series.steps.count, by: max(1, size)).map { start in
            let part = start..<min(start + size, series.steps.count)
            return (
                part.reduce(0.0) { $0 + Double(series.steps[$1]) } / Double(part.count),
                part.reduce(0.0) { $0 + series.values[$1] } / Double(part.count)
            )
        }
    }

    /// Two to six round numbers in a range.
    static func ticks(_ low: Double, _ high: Double) -> [Double] {
        guard high > low, (high - low).isFinite else { return [low] }
        let rough = (high - low) / 4
        let power = pow(10, floor(log10(rough)))
        let step = [1, 2, 5, 10].map { $0 * power }.first { $0 >= rough } ?? rough
        let first = (low / step).rounded(.up)
        guard step > 0, abs(first) < 1e15 else { return [low] }
        return (0..<8).map { (first + Double($0)) * step }.filter { $0 <= high }
    }

    private static func label(_ value: Double) -> String { String(format: "%.4g", value) }
    private static func number(_ value: Double) -> String { String(format: "%.1f", value) }
}
