/// The directions in which samples vary most: a linear map to few numbers that keeps most of the variance.
package struct PrincipalComponents {
    /// Of the largest variance; below it a direction counts as one without any.
    private static let smallestShare = 1e-10

    package let means: [Double]
    /// `[components, inputs]`, orthonormal, by falling variance.
    package let directions: [[Double]]

    /// - Parameters:
    ///   - rows: samples, each as long.
    ///   - components: at most as many are found, and none beyond those that the samples vary in.
    package init(_ rows: [[Double]], components: Int) {
        let inputs = rows.first?.count ?? 0
        precondition(rows.allSatisfy { $0.count == inputs }, "rows of different lengths")
        guard inputs > 0 else {
            (means, directions) = ([], [])
            return
        }
        var means = [Double](repeating: 0, count: inputs)
        for row in rows {
            for place in 0..<inputs { means[place] += row[place] }
        }
        means = means.map { $0 / Double(rows.count) }
        var covariance = [Double](repeating: 0, count: inputs * inputs)
        covariance.withUnsafeMutableBufferPointer { covariance in
            var centred = [Double](repeating: 0, count: inputs)
            for row in rows {
                for place in 0..<inputs { centred[place] = row[place] - means[place] }
                centred.withUnsafeBufferPointer { centred in
                    for i in 0..<inputs where centred[i] != 0 {
                        for j in 0...i { covariance[i * inputs + j] += centred[i] * centred[j] }
                    }
                }
            }
            for i in 0..<inputs {
                for j in 0..<i { covariance[j * inputs + i] = covariance[i * inputs + j] }
            }
        }
        let (values, vectors) = SymmetricEigen.decompose(covariance, size: inputs)
        let order = values.indices.sorted { (-values[$0], $0) < (-values[$1], $1) }
        self.means = means
        // Of fewer samples than numbers the rest vary by rounding alone, and say nothing of other samples.
        let varying = order.prefix { values[$0] > Self.smallestShare * max(0, values[order[0]]) }
        directions = varying.prefix(max(0, components)).map { column in
            (0..<inputs).map { vectors[$0 * inputs + column] }
        }
    }

    /// A row's components.
    package func callAsFunction(_ row: [Double]) -> [Double] {
        precondition(row.count == means.count, "\(row.count) numbers for \(means.count)")
        let centred = zip(row, means).map { $0 - $1 }
        return directions.map { direction in
            direction.withUnsafeBufferPointer { direction in
                centred.withUnsafeBufferPointer { centred in
                    var sum = 0.0
                    for place in 0..<centred.count { sum += direction[place] * centred[place] }
                    return sum
                }
            }
        }
    }
}

/// Eigenvalues and vectors of symmetric matrices: Householder's reduction to a tridiagonal one, then the QL method with
/// implicit shifts (Bowdler, Martin, Reinsch, Wilkinson 1968).
package enum SymmetricEigen {
    /// - Parameter matrix: `[size, size]`, symmetric.
    /// - Returns: eigenvalues, and vectors as the columns of `[size, size]`.
    package static func decompose(_ matrix: [Double], size: Int) -> (values: [Double], vectors: [Double]) {
        precondition(matrix.count == size * size, "\(matrix.count) numbers for \(size) x \(size)")
        var vectors = matrix
        var diagonal = [Double](repeating: 0, count: size)
        var beside = diagonal
        vectors.withUnsafeMutableBufferPointer { vectors in
            diagonal.withUnsafeMutableBufferPointer { diagonal in
                beside.withUnsafeMutableBufferPointer { beside in
                    tridiagonalize(vectors, diagonal, beside, size)
                    iterate(vectors, diagonal, beside, size)
                }
            }
        }
        return (diagonal, vectors)
    }

    private typealias Numbers = UnsafeMutableBufferPointer<Double>

    private static func tridiagonalize(_ v: Numbers, _ d: Numbers, _ e: Numbers, _ n: Int) {
        guard n > 0 else { return }
        for j in 0..<n { d[j] = v[(n - 1) * n + j] }
        for i in stride(from: n - 1, to: 0, by: -1) {
            var scale = 0.0, h = 0.0
            for k in 0..<i { scale += abs(d[k]) }
            if scale == 0 {
                e[i] = d[i - 1]
                for j in 0..<i {
                    d[j] = v[(i - 1) * n + j]
                    v[i * n + j] = 0
                    v[j * n + i] = 0
                }
            } else {
                for k in 0..<i {
                    d[k] /= scale
                    h += d[k] * d[k]
                }
                var f = d[i - 1]
                var g = f > 0 ? -h.squareRoot() : h.squareRoot()
                e[i] = scale * g
                h -= f * g
                d[i - 1] = f - g
                for j in 0..<i { e[j] = 0 }
                for j in 0..<i {
                    f = d[j]
                    v[j * n + i] = f
                    g = e[j] + v[j * n + j] * f
                    for k in j + 1..<max(j + 1, i) {
                        g += v[k * n + j] * d[k]
                        e[k] += v[k * n + j] * f
                    }
                    e[j] = g
                }
                f = 0
                for j in 0..<i {
                    e[j] /= h
                    f += e[j] * d[j]
                }
                let half = f / (h + h)
                for j in 0..<i { e[j] -= half * d[j] }
                for j in 0..<i {
                    f = d[j]
                    g = e[j]
                    for k in j..<i { v[k * n + j] -= f * e[k] + g * d[k] }
                    d[j] = v[(i - 1) * n + j]
                    v[i * n + j] = 0
                }
            }
            d[i] = h
        }
        // The reflections, multiplied out.
        for i in 0..<n - 1 {
            v[(n - 1) * n + i] = v[i * n + i]
            v[i * n + i] = 1
            let h = d[i + 1]
            if h != 0 {
                for k in 0...i { d[k] = v[k * n + i + 1] / h }
                for j in 0...i {
                    var g = 0.0
                    for k in 0...i { g += v[k * n + i + 1] * v[k * n + j] }
                    for k in 0...i { v[k * n + j] -= g * d[k] }
                }
            }
            for k in 0...i { v[k * n + i + 1] = 0 }
        }
        for j in 0..<n {
            d[j] = v[(n - 1) * n + j]
            v[(n - 1) * n + j] = 0
        }
        v[(n - 1) * n + n - 1] = 1
        e[0] = 0
    }

    /// Rounds after which an eigenvalue is taken as it is; a few are the rule.
    private static let rounds = 60

    private static func iterate(_ v: Numbers, _ d: Numbers, _ e: Numbers, _ n: Int) {
        guard n > 0 else { return }
        for i in 1..<max(1, n) { e[i - 1] = e[i] }
        e[n - 1] = 0
        var f = 0.0, largest = 0.0
        for l in 0..<n {
            largest = max(largest, abs(d[l]) + abs(e[l]))
            var m = l
            while m < n - 1, abs(e[m]) > Double.ulpOfOne * largest { m += 1 }
            var round = 0
            while m > l, abs(e[l]) > Double.ulpOfOne * largest, round < rounds {
                round += 1
                var g = d[l]
                var p = (d[l + 1] - g) / (2 * e[l])
                var r = (p * p + 1).squareRoot()
                if p < 0 { r = -r }
                d[l] = e[l] / (p + r)
                d[l + 1] = e[l] * (p + r)
                let next = d[l + 1]
                var h = g - d[l]
                for i in l + 2..<max(l + 2, n) { d[i] -= h }
                f += h
                p = d[m]
                var c = 1.0, c2 = 1.0, c3 = 1.0, s = 0.0, s2 = 0.0
                let second = e[l + 1]
                for i in stride(from: m - 1, through: l, by: -1) {
                    c3 = c2
                    c2 = c
                    s2 = s
                    g = c * e[i]
                    h = c * p
                    r = (p * p + e[i] * e[i]).squareRoot()
                    e[i + 1] = s * r
                    s = e[i] / r
                    c = p / r
                    p = c * d[i] - s * g
                    d[i + 1] = h + s * (c * g + s * d[i])
                    for k in 0..<n {
                        h = v[k * n + i + 1]
                        v[k * n + i + 1] = s * v[k * n + i] + c * h
                        v[k * n + i] = c * v[k * n + i] - s * h
                    }
                }
                p = -s * s2 * c3 * second * e[l] / next
                e[l] = s * p
                d[l] = c * p
            }
            d[l] += f
            e[l] = 0
        }
    }
}
