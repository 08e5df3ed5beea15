import Formats
import Foundation

/// Curves of one value over optimiser steps.
struct CurveChart {
    static let width = 460
    static let height = 270

    let title: String
    /// What is drawn upwards, in words.
    let unit: String
    /// Place among the runs, which decides the colour, and points.
    let curves: [(run: Int, series: RunLog.Series)]

    static let colors = ["#1f6fb4", "#d1622b", "#2a8f4d", "#a33ba3", "#8c6d1f", "#c0394b", "#4c4c4c", "#2699a6"]
    private static let (grid, tick) = ("#e4e4e4", "#666666")
    /// More points than this are no longer told apart.
    private static let largestPoints = 500
    private static let (left, right, top, bottom) = (70.0, 12.0, 26.0, 44.0)

    /// Empty where the values have no scale.
    var drawing: Drawing {
        var drawing = Drawing(width: Self.width, height: Self.height)
        let all = curves.flatMap { $0.series.values }
        guard let low = all.min(), let high = all.max(),
            let first = curves.compactMap(\.series.steps.first).min(),
            let last = curves.compactMap(\.series.steps.last).max(),
            // What has diverged that far has no scale.
            abs(low) < 1e300, abs(high) < 1e300
        else { return drawing }
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
        drawing.text(title, x: Self.left, y: 16, isBold: true)
        for tick in Self.ticks(bottomValue, topValue) {
            let place = down(tick)
            drawing.line([(Self.left, place), (Double(Self.width) - Self.right, place)], color: Self.grid)
            drawing.text(Self.label(tick), x: Self.left - 5, y: place + 4, size: 10, color: Self.tick, place: .end)
        }
        for tick in Self.ticks(Double(first), Double(last), areWhole: true) {
            drawing.text(
                Self.label(tick), x: across(tick), y: Double(Self.height) - 28, size: 10, color: Self.tick,
                place: .middle)
        }
        drawing.text(
            "optimiser steps", x: Self.left + plotWidth / 2, y: Double(Self.height) - 12, size: 10, color: Self.tick,
            place: .middle)
        drawing.text(
            unit, x: 14, y: Self.top + plotHeight / 2, size: 10, color: Self.tick, place: .middle, isUpwards: true)
        for (run, series) in curves {
            let points = Self.thinned(series).map { (x: across($0), y: down($1)) }
            let color = Self.colors[run % Self.colors.count]
            if points.count == 1 {
                drawing.disc(x: points[0].x, y: points[0].y, radius: 2.5, color: color)
            } else {
                drawing.line(points, color: color, width: 1.4)
            }
        }
        return drawing
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

    /// Three to eight round numbers in a range; fewer where only whole ones count.
    static func ticks(_ low: Double, _ high: Double, areWhole: Bool = false) -> [Double] {
        guard high > low, (high - low).isFinite else { return [low] }
        let largest = (high - low) / 3
        let power = pow(10, floor(log10(largest)))
        let fitting = [5, 2, 1].map { $0 * power }.first { $0 <= largest } ?? largest
        let step = areWhole ? max(1, fitting) : fitting
        let first = (low / step).rounded(.up)
        guard step > 0, abs(first) < 1e15 else { return [low] }
        return (0..<8).map { (first + Double($0)) * step }.filter { $0 <= high }
    }

    private static func label(_ value: Double) -> String { String(format: "%.4g", value) }
}
