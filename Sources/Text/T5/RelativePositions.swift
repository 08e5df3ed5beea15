/// How T5 sees positions: by the distance between query and key alone, in buckets (Raffel et al. 2020, section 2.1).
public enum RelativePositions {
    /// Rows of a bias table.
    public static let bucketCount = 32

    /// The bucket of `key - query`: 16 to either side. Distances below 8 have one each; the others share, with bounds at
    /// `8 * 2^(k / 2)`, and all from 128 on (in fact from 91 on) are in the last.
    ///
    /// `8 + floor(ln(a / 8) / ln(16) * 8)` of the distance `a` is `8 + floor(log2(a^2 / 64))`, which integers give
    /// exactly.
    public static func bucket(_ relativePosition: Int) -> Int {
        let side = relativePosition > 0 ? bucketCount / 2 : 0
        let distance = Int(min(relativePosition.magnitude, 128))
        guard distance >= 8 else { return side + distance }
        let steps = Int.bitWidth - 1 - (distance * distance / 64).leadingZeroBitCount
        return side + min(bucketCount / 2 - 1, 8 + steps)
    }

    /// The bias of every query and key of a sequence.
    /// - Parameter table: `[32, heads]`.
    /// - Returns: `[heads, length, length]`.
    static func bias(table: [Float], heads: Int, length: Int) -> [Float] {
        precondition(table.count == bucketCount * heads, "\(table.count) biases for \(heads) heads")
        // By `key - query + length - 1`: row `query` of the result is a window of this.
        let buckets = (0..<2 * length - 1).map { bucket($0 - length + 1) }
        var bias: [Float] = []
        bias.reserveCapacity(heads * length * length)
        for head in 0..<heads {
            let line = buckets.map { table[$0 * heads + head] }
            for query in 0..<length { bias += line[(length - 1 - query)..<(2 * length - 1 - query)] }
        }
        return bias
    }
}
