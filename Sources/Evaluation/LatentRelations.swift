/// Whether latents add up and turn around as motions do, as sums over pairs; those of ranks add up.
///
/// With z(a→b) the latents of the pair of frames a and b: additivity asks for `z(a→b) + z(b→c) = z(a→c)`, reversal for
/// `z(b→a) = -z(a→b)`. Errors are shares of the squared length of `z(a→c)` and `z(a→b)`: 0 where it holds, 3 and 2 on average
/// where the latents have nothing to do with each other.
package struct LatentRelations {
    /// Σ|z(a→b) + z(b→c) - z(a→c)|², Σ|z(a→c)|², Σ|z(a→b) + z(b→a)|², Σ|z(a→b)|².
    package private(set) var values = [Double](repeating: 0, count: 4)

    package init() {}

    /// - Parameters: latents, as many numbers each, of frame a to b, b to c, a to c and b to a.
    package mutating func add(_ ab: [Float], _ bc: [Float], _ ac: [Float], _ ba: [Float]) {
        precondition(
            ab.count == bc.count && ab.count == ac.count && ab.count == ba.count,
            "latents of \([ab, bc, ac, ba].map(\.count)) numbers")
        for place in ab.indices {
            let (first, second) = (Double(ab[place]), Double(bc[place]))
            let (whole, back) = (Double(ac[place]), Double(ba[place]))
            values[0] += (first + second - whole) * (first + second - whole)
            values[1] += whole * whole
            values[2] += (first + back) * (first + back)
            values[3] += first * first
        }
    }

    /// Adds the sums of another part.
    package mutating func add(_ sums: [Double]) {
        precondition(sums.count == values.count, "\(sums.count) sums for \(values.count)")
        for (place, sum) in sums.enumerated() { values[place] += sum }
    }

    /// Nil where all latents are 0 or none were seen.
    package var additivityError: Double? { values[1] > 0 ? values[0] / values[1] : nil }
    package var reversalError: Double? { values[3] > 0 ? values[2] / values[3] : nil }
}
