import Randomness

/// Some of many pairs in a row, spread evenly over them and so over their episodes: one of each of as many stretches of equal
/// length, drawn within its stretch, so that the mean over those drawn stands for the mean over all.
package enum EvenDraw {
    /// - Parameters:
    ///   - count: pairs that are wanted, or all where there are fewer.
    ///   - total: pairs in the row.
    ///   - seed: the same draws the same pairs.
    /// - Returns: their places, ascending.
    package static func places(_ count: Int, of total: Int, seed: UInt64) -> [Int] {
        precondition(count >= 0 && total >= 0, "\(count) of \(total) pairs")
        guard count < total else { return Array(0..<total) }
        var generator = RandomGenerator(seed: seed, purpose: "even draw", count, total)
        return (0..<count).map { stretch in
            generator.integer(in: place(stretch, count, total)...place(stretch + 1, count, total) - 1)
        }
    }

    /// `stretch * total / count`, without the product, which may be large.
    private static func place(_ stretch: Int, _ count: Int, _ total: Int) -> Int {
        let product = stretch.multipliedFullWidth(by: total)
        return count.dividingFullWidth(product).quotient
    }
}
