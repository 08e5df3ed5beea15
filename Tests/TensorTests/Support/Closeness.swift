import Testing

/// Expects `|got - expected| <= tolerance * max(1, max |expected|)` for every element; NaN and infinities
/// must be equal.
func expectClose(
    _ got: [Float], _ expected: [Double], tolerance: Double, _ name: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) {
    guard got.count == expected.count else {
        Issue.record("\(name): \(got.count) elements for \(expected.count)", sourceLocation: sourceLocation)
        return
    }
    let limit = tolerance * max(1, expected.reduce(0) { $1.isFinite ? max($0, abs($1)) : $0 })
    let wrong = got.indices.filter { i in
        let (a, b) = (Double(got[i]), expected[i])
        return b.isFinite ? !(abs(a - b) <= limit) : !(a == b || a.isNaN && b.isNaN)
    }
    if let first = wrong.first {
        let worst = wrong.max { abs(Double(got[$0]) - expected[$0]) < abs(Double(got[$1]) - expected[$1]) } ?? first
        Issue.record(
            """
            \(name): \(wrong.count) of \(got.count) elements differ by more than \(limit); \
            [\(first)]: \(got[first]) for \(expected[first]); [\(worst)]: \(got[worst]) for \(expected[worst])
            """, sourceLocation: sourceLocation)
    }
}
