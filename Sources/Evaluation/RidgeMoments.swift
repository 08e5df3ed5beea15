/// What ridge regression needs of some samples, as sums: those of two sets of samples add up to those of both, so folds
/// and ranks can be put together at will, and no sample is kept.
package struct RidgeMoments {
    package let inputs: Int
    package let outputs: Int
    /// All sums in one order, for sending: n, Σx, Σxxᵀ, Σy, Σxyᵀ, Σy².
    package private(set) var values: [Double]

    private var xStart: Int { 1 }
    private var xxStart: Int { xStart + inputs }
    private var yStart: Int { xxStart + inputs * inputs }
    private var xyStart: Int { yStart + outputs }
    private var yyStart: Int { xyStart + inputs * outputs }

    /// The sums over no sample.
    package init(inputs: Int, outputs: Int) {
        (self.inputs, self.outputs) = (inputs, outputs)
        values = [Double](repeating: 0, count: 1 + inputs + inputs * inputs + outputs + inputs * outputs + outputs)
    }

    package var count: Double { values[0] }

    package mutating func add(_ x: [Double], _ y: [Double]) {
        precondition(x.count == inputs && y.count == outputs, "\(x.count) to \(y.count) numbers")
        let (xStart, xxStart, yStart, xyStart, yyStart) = (xStart, xxStart, yStart, xyStart, yyStart)
        let (inputs, outputs) = (inputs, outputs)
        values.withUnsafeMutableBufferPointer { values in
            values[0] += 1
            for i in 0..<inputs where x[i] != 0 {
                values[xStart + i] += x[i]
                for j in 0..<inputs { values[xxStart + i * inputs + j] += x[i] * x[j] }
                for j in 0..<outputs { values[xyStart + i * outputs + j] += x[i] * y[j] }
            }
            for j in 0..<outputs {
                values[yStart + j] += y[j]
                values[yyStart + j] += y[j] * y[j]
            }
        }
    }

    /// - Parameter sums: those of as many inputs and outputs, `values` of another one.
    package mutating func add(_ sums: some RandomAccessCollection<Double>) {
        precondition(sums.count == values.count, "\(sums.count) sums for \(values.count)")
        for (place, sum) in sums.enumerated() { values[place] += sum }
    }

    /// A linear map with an offset, `y = weights x + offset`.
    package struct Fit {
        /// `[inputs, outputs]`.
        package let weights: [Double]
        package let offset: [Double]

        package init(weights: [Double], offset: [Double]) { (self.weights, self.offset) = (weights, offset) }

        /// What the map gives for a sample.
        ///
        /// - Parameter range: outputs that are asked for; nil for all.
        package func callAsFunction(_ x: [Double], outputs range: Range<Int>? = nil) -> [Double] {
            let range = range ?? 0..<offset.count, outputs = offset.count
            precondition(x.count * outputs == weights.count, "\(x.count) numbers for \(weights.count) weights")
            var result = Array(offset[range])
            weights.withUnsafeBufferPointer { weights in
                for i in x.indices where x[i] != 0 {
                    for (place, j) in range.enumerated() { result[place] += x[i] * weights[i * outputs + j] }
                }
            }
            return result
        }
    }

    /// The map that minimises the mean squared error plus `ridge` times the squared weights, of inputs that are brought
    /// to variance 1; nil without samples.
    ///
    /// - Parameter range: outputs that are asked for; the map has 0 for the others. Nil for all.
    package func fit(ridge: Double, outputs range: Range<Int>? = nil) -> Fit? {
        guard count > 0 else { return nil }
        let range = range ?? 0..<outputs, columns = range.count
        let mean = (0..<inputs).map { values[xStart + $0] / count }
        let outputMean = (0..<outputs).map { values[yStart + $0] / count }
        // An input that never changes says nothing; scale 0 gives it weight 0. Its variance, a difference of two sums,
        // is not quite 0.
        let scale = (0..<inputs).map { i in
            let square = values[xxStart + i * inputs + i] / count
            let variance = square - mean[i] * mean[i]
            return variance > 1e-10 * square ? 1 / variance.squareRoot() : 0
        }
        var matrix = [Double](repeating: 0, count: inputs * inputs)
        var right = [Double](repeating: 0, count: inputs * columns)
        for i in 0..<inputs {
            for j in 0..<inputs {
                matrix[i * inputs + j] =
                    (values[xxStart + i * inputs + j] / count - mean[i] * mean[j]) * scale[i] * scale[j]
            }
            matrix[i * inputs + i] += ridge
            for (column, j) in range.enumerated() {
                right[i * columns + column] =
                    (values[xyStart + i * outputs + j] / count - mean[i] * outputMean[j]) * scale[i]
            }
        }
        guard Self.solve(&matrix, &right, size: inputs, columns: columns) else { return nil }
        var weights = [Double](repeating: 0, count: inputs * outputs)
        var offset = [Double](repeating: 0, count: outputs)
        for (column, j) in range.enumerated() {
            offset[j] = outputMean[j]
            for i in 0..<inputs {
                let weight = right[i * columns + column] * scale[i]
                weights[i * outputs + j] = weight
                offset[j] -= mean[i] * weight
            }
        }
        return Fit(weights: weights, offset: offset)
    }

    /// Sum of squared errors of a map on these samples, per output.
    ///
    /// - Parameter range: outputs that are asked for; nil for all.
    package func squaredErrors(of fit: Fit, outputs range: Range<Int>? = nil) -> [Double] {
        let range = range ?? 0..<outputs, columns = range.count
        let (inputs, outputs) = (inputs, outputs)
        let (xStart, xxStart, yStart, xyStart, yyStart) = (xStart, xxStart, yStart, xyStart, yyStart)
        var errors = range.map { j in
            let c = fit.offset[j]
            return values[yyStart + j] - 2 * c * values[yStart + j] + count * c * c
        }
        var row = [Double](repeating: 0, count: columns)
        values.withUnsafeBufferPointer { values in
            fit.weights.withUnsafeBufferPointer { weights in
                for i in 0..<inputs {
                    for column in 0..<columns { row[column] = 0 }
                    for k in 0..<inputs {
                        let product = values[xxStart + i * inputs + k], start = k * outputs + range.lowerBound
                        for column in 0..<columns { row[column] += product * weights[start + column] }
                    }
                    for (column, j) in range.enumerated() {
                        errors[column] +=
                            weights[i * outputs + j]
                            * (row[column] - 2 * values[xyStart + i * outputs + j]
                                + 2 * fit.offset[j] * values[xStart + i])
                    }
                }
            }
        }
        return errors.map { max(0, $0) }
    }

    /// Sum of squared deviations from the samples' mean, per output.
    package var squaredDeviations: [Double] {
        (0..<outputs).map { j in
            count > 0 ? max(0, values[yyStart + j] - values[yStart + j] * values[yStart + j] / count) : 0
        }
    }

    /// The samples' means, per output.
    package var outputMeans: [Double] { (0..<outputs).map { count > 0 ? values[yStart + $0] / count : 0 } }

    /// Solves `matrix x = right` by Cholesky's factors, in place; false where the matrix is not positive definite.
    private static func solve(
        _ matrix: inout [Double], _ right: inout [Double], size: Int, columns: Int
    ) -> Bool {
        matrix.withUnsafeMutableBufferPointer { matrix in
            right.withUnsafeMutableBufferPointer { right in
                for i in 0..<size {
                    for j in 0...i {
                        var sum = matrix[i * size + j]
                        for k in 0..<j { sum -= matrix[i * size + k] * matrix[j * size + k] }
                        if i == j {
                            guard sum > 0 else { return false }
                            matrix[i * size + i] = sum.squareRoot()
                        } else {
                            matrix[i * size + j] = sum / matrix[j * size + j]
                        }
                    }
                }
                for column in 0..<columns {
                    for i in 0..<size {
                        var sum = right[i * columns + column]
                        for k in 0..<i { sum -= matrix[i * size + k] * right[k * columns + column] }
                        right[i * columns + column] = sum / matrix[i * size + i]
                    }
                    for i in (0..<size).reversed() {
                        var sum = right[i * columns + column]
                        for k in i + 1..<size { sum -= matrix[k * size + i] * right[k * columns + column] }
                        right[i * columns + column] = sum / matrix[i * size + i]
                    }
                }
                return true
            }
        }
    }
}
