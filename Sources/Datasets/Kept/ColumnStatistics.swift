import DataCore
import Formats
import Foundation
import Parquet

/// Minimum, maximum, mean, standard deviation and quantiles of one feature over some frames, as LeRobot keeps them: a
/// number for each entry of a vector, for each channel of a picture. SPEC_LEROBOT §2, §3.
package struct ColumnStatistics {
    static let quantiles = [("q01", 0.01), ("q10", 0.1), ("q50", 0.5), ("q90", 0.9), ("q99", 0.99)]

    var minimum: [Double]
    var maximum: [Double]
    var mean: [Double]
    var deviation: [Double]
    /// In the order of `quantiles`.
    var quantiles: [[Double]]
    package var count: Int

    /// Statistics of numbers; nil for what holds none.
    ///
    /// - Parameter values: a frame each, of equal sizes.
    package init?(_ values: [ParquetValue]) {
        let rows = values.compactMap { Self.numbers(of: $0) }
        guard rows.count == values.count, let first = rows.first, !first.isEmpty,
            rows.allSatisfy({ $0.count == first.count })
        else { return nil }
        self.init(columns: first.indices.map { column in rows.map { $0[column] } })
    }

    private init(columns: [[Double]]) {
        count = columns[0].count
        let n = Double(count)
        (minimum, maximum, mean, deviation) = ([], [], [], [])
        quantiles = Self.quantiles.map { _ in [] }
        for column in columns {
            let average = column.reduce(0, +) / n
            let (low, high) = (column.min() ?? average, column.max() ?? average)
            minimum.append(low)
            maximum.append(high)
            mean.append(average)
            deviation.append((column.reduce(0) { $0 + ($1 - average) * ($1 - average) } / n).squareRoot())
            let estimate = HistogramQuantiles(
                column.lazy.map { (value: $0, count: 1) }, minimum: low, maximum: high)
            for (place, quantile) in Self.quantiles.enumerated() {
                // LeRobot takes the mean of a single value.
                quantiles[place].append(count < 2 ? average : estimate.value(at: quantile.1))
            }
        }
    }

    /// Statistics of one channel of measurements, in their unit.
    ///
    /// - Parameters:
    ///   - measurements: at least one.
    ///   - frames: number of pictures that they are from.
    init(measurements: [Double], frames: Int) {
        self.init(columns: [measurements])
        count = frames
    }

    /// Statistics of pictures: how often each of 256 levels occurs in each channel, scaled to [0, 1].
    ///
    /// - Parameter frames: number of pictures that were counted.
    package init(histograms: [[Int]], frames: Int) {
        count = frames
        (minimum, maximum, mean, deviation) = ([], [], [], [])
        quantiles = Self.quantiles.map { _ in [] }
        for histogram in histograms {
            let total = max(1, histogram.reduce(0, +))
            let n = Double(total)
            let average = histogram.enumerated().reduce(0) { $0 + Double($1.offset * $1.element) } / n
            let variance = histogram.enumerated().reduce(0) {
                $0 + (Double($1.offset) - average) * (Double($1.offset) - average) * Double($1.element)
            }
            minimum.append(Double(histogram.firstIndex { $0 > 0 } ?? 0) / 255)
            maximum.append(Double(histogram.lastIndex { $0 > 0 } ?? 0) / 255)
            mean.append(average / 255)
            deviation.append((variance / n).squareRoot() / 255)
            let estimate = HistogramQuantiles(
                histogram.enumerated().lazy.map { (value: Double($0.offset), count: $0.element) },
                minimum: Double(histogram.firstIndex { $0 > 0 } ?? 0),
                maximum: Double(histogram.lastIndex { $0 > 0 } ?? 0))
            for (place, quantile) in Self.quantiles.enumerated() {
                quantiles[place].append(estimate.value(at: quantile.1) / 255)
            }
        }
    }

    /// Statistics of all frames from those of parts: exact but for quantiles, which parts do not tell. As LeRobot does since
    /// 2026, the lowest of the parts' is taken up to the median and the highest above it: bounds for whoever scales by them.
    package init(merging parts: [ColumnStatistics]) {
        precondition(!parts.isEmpty, "statistics of nothing")
        let n = parts.reduce(0.0) { $0 + Double($1.count) }
        func combine(_ value: (ColumnStatistics, Int) -> Double) -> [Double] {
            parts[0].mean.indices.map { column in
                parts.reduce(0) { $0 + value($1, column) * Double($1.count) } / n
            }
        }
        let mean = combine { $0.mean[$1] }
        self.mean = mean
        minimum = mean.indices.map { column in parts.map { $0.minimum[column] }.min() ?? 0 }
        maximum = mean.indices.map { column in parts.map { $0.maximum[column] }.max() ?? 0 }
        deviation = combine {
            $0.deviation[$1] * $0.deviation[$1] + ($0.mean[$1] - mean[$1]) * ($0.mean[$1] - mean[$1])
        }.map { $0.squareRoot() }
        quantiles = Self.quantiles.enumerated().map { place, quantile in
            mean.indices.map { column in
                let values = parts.map { $0.quantiles[place][column] }
                return (quantile.1 <= 0.5 ? values.min() : values.max()) ?? 0
            }
        }
        count = parts.reduce(0) { $0 + $1.count }
    }

    private static func numbers(of value: ParquetValue) -> [Double]? {
        switch value {
        case .bool(let value): return [value ? 1 : 0]
        case .int(let value): return [Double(value)]
        case .unsigned(let value): return [Double(value)]
        case .float(let value): return [Double(value)]
        case .double(let value): return [value]
        case .list(let values):
            let parts = values.compactMap { numbers(of: $0) }
            return parts.count == values.count ? parts.flatMap { $0 } : nil
        default: return nil
        }
    }

    // MARK: Files

    /// Names of `entries`.
    package static let entryNames = ["min", "max", "mean", "std"] + quantiles.map(\.0)

    /// Names and values; `count` is not among them.
    package var entries: [(name: String, values: [Double])] {
        Array(zip(Self.entryNames, [minimum, maximum, mean, deviation] + quantiles)).map { (name: $0, values: $1) }
    }

    /// - Parameter isCamera: channels stand in nested lists, `[C][1][1]`.
    package func json(isCamera: Bool) -> JSON {
        .object(
            entries.map { name, values in
                (name, .array(values.map { isCamera ? .array([.array([.double($0)])]) : .double($0) }))
            } + [("count", .array([.int(count)]))])
    }

    /// What `json(isCamera: true)` wrote; nil for anything else.
    init?(cameraJSON json: JSON) {
        func values(_ name: String) -> [Double]? {
            guard let channels = json[name]?.array else { return nil }
            let values = channels.compactMap { $0.array?.first?.array?.first?.double }
            return values.count == channels.count && [1, 3].contains(values.count) ? values : nil
        }
        let quantiles = Self.quantiles.compactMap { values($0.0) }
        guard let minimum = values("min"), let maximum = values("max"), let mean = values("mean"),
            let deviation = values("std"), quantiles.count == Self.quantiles.count,
            let count = json["count"]?.array?.first?.int, (1...DatasetInfo.countLimit).contains(count)
        else { return nil }
        (self.minimum, self.maximum, self.mean, self.deviation) = (minimum, maximum, mean, deviation)
        (self.quantiles, self.count) = (quantiles, count)
    }
}
