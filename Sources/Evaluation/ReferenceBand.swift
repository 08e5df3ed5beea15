import Foundation

/// How far runs of one configuration, with several seeds, had come after so many pairs: what another run is held against.
///
/// The figures are those of docs/reference-curves.md, which says how they were made.
package struct ReferenceBand: Sendable {
    package struct Point: Sendable {
        /// Pairs that runs had been trained on.
        package let pairs: Int
        /// Error on held-out episodes over that of predicting that nothing changes: of the best and of the worst seed.
        package let low: Double
        package let high: Double
    }

    /// What was trained, and on what.
    package let name: String
    let seeds: Int
    package let visionEncoder: String
    /// Numbers that were trained.
    package let parameters: Int
    /// By pairs, ascending.
    package let points: [Point]

    /// The band of the nearest configuration: of those with the same vision encoder, the one whose number of parameters is the
    /// smallest factor away.
    package static func nearest(visionEncoder: String, parameters: Int) -> ReferenceBand? {
        func distance(_ band: ReferenceBand) -> Double {
            abs(log(Double(max(1, parameters)) / Double(band.parameters)))
        }
        return all.filter { $0.visionEncoder == visionEncoder }.min { distance($0) < distance($1) }
    }

    /// Where a run lies; nil before the first point.
    ///
    /// - Parameters:
    ///   - share: its error on held-out episodes over that of predicting that nothing changes.
    ///   - pairs: that it was trained on.
    package func words(share: Double, pairs: Int) -> String? {
        guard let band = bounds(at: pairs), let last = points.last else { return nil }
        let place = share < band.low ? "below" : share > band.high ? "above" : "inside"
        let longer = pairs > last.pairs ? " after \(last.pairs)" : ""
        return String(
            format:
                "Reference: an error of %.3f of \"nothing changed\" after %d pairs is %@ the band of %d runs with other seeds, "
                + "%.3f to %.3f%@ (%@; other data have other bands).",
            share, pairs, place, seeds, band.low, band.high, longer, name)
    }

    /// The band after so many pairs, between points by the logarithm of the pairs, behind the last one that one's.
    private func bounds(at pairs: Int) -> (low: Double, high: Double)? {
        guard let first = points.first, pairs >= first.pairs else { return nil }
        guard let next = points.firstIndex(where: { $0.pairs >= pairs }) else {
            return points.last.map { ($0.low, $0.high) }
        }
        guard next > 0 else { return (first.low, first.high) }
        let (a, b) = (points[next - 1], points[next])
        let weight = log(Double(pairs) / Double(a.pairs)) / log(Double(b.pairs) / Double(a.pairs))
        return (a.low + weight * (b.low - a.low), a.high + weight * (b.high - a.high))
    }
}
