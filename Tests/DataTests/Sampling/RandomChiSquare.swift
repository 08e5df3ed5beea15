import Foundation

/// Pearson's goodness-of-fit test.
enum ChiSquare {
    /// The probability of a deviation at least this large if the counts follow `probabilities` (which sum to 1).
    static func pValue(observed: [Int], probabilities: [Double]) -> Double {
        precondition(observed.count == probabilities.count)
        guard observed.count > 1 else { return 1 }
        let total = Double(observed.reduce(0, +))
        var statistic = 0.0
        for (count, probability) in zip(observed, probabilities) {
            let expected = total * probability
            let deviation = Double(count) - expected
            statistic += deviation * deviation / expected
        }
        return upperGamma(Double(observed.count - 1) / 2, statistic / 2)
    }

    /// The regularised upper incomplete gamma function Q(a, x) by the power series of P(a, x); adequate for the
    /// moderate `x` of these tests.
    private static func upperGamma(_ a: Double, _ x: Double) -> Double {
        guard x > 0 else { return 1 }
        var term = 1 / a
        var sum = term
        var n = a
        while term > sum * 1e-16 {
            n += 1
            term *= x / n
            sum += term
        }
        return max(0, 1 - sum * exp(a * log(x) - x - lgamma(a)))
    }
}
