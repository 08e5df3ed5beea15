/// Quantiles of one number's values in one episode, as LeRobot estimates them: by 5,000 equal bins from the least value to the
/// largest, widened by 1e-10 on both sides, and linearly within the bin in which a share of the values is reached. What is
/// reached in the first bin is its lower edge.
///
/// Source: `RunningQuantileStats` in LeRobot's `datasets/compute_stats.py`, August 2026.
struct HistogramQuantiles {
    private static let bins = 5000
    private static let margin = 1e-10

    private let lowest: Double
    private let width: Double
    /// Values up to and in each bin.
    private let reached: [Int]

    /// - Parameters:
    ///   - values: with how often each occurs; some do.
    init(_ values: some Sequence<(value: Double, count: Int)>, minimum: Double, maximum: Double) {
        lowest = minimum - Self.margin
        width = (maximum + Self.margin - lowest) / Double(Self.bins)
        var counts = [Int](repeating: 0, count: Self.bins)
        for (value, count) in values where value.isFinite {
            let place = width > 0 ? (value - lowest) / width : 0
            counts[Int(min(max(place, 0), Double(Self.bins - 1)))] += count
        }
        var sum = 0
        reached = counts.map { count in
            sum += count
            return sum
        }
    }

    /// The value below which a share of the values lies.
    func value(at share: Double) -> Double {
        let target = share * Double(reached[Self.bins - 1])
        guard let bin = reached.firstIndex(where: { Double($0) >= target }), bin > 0 else { return lowest }
        let before = reached[bin - 1]
        let part = (target - Double(before)) / Double(max(1, reached[bin] - before))
        return lowest + (Double(bin) + part) * width
    }
}
