import LatentEvaluation
import Testing

/// Ridge regression from sums, and principal components.
@Suite struct RidgeMomentsTests {
    @Test("without ridge the map behind the samples is found, offset and useless inputs included")
    func exact() throws {
        var numbers = Numbers()
        var moments = RidgeMoments(inputs: 4, outputs: 2)
        for _ in 0..<50 {
            // The third input never changes.
            let x = numbers.next(2) + [0.1] + numbers.next(1)
            moments.add(x, [2 * x[0] - x[1] + 5, 0.5 * x[3]])
        }
        let fit = try #require(moments.fit(ridge: 1e-12))
        let expected = [2.0, 0, -1, 0, 0, 0, 0, 0.5]
        for (weight, value) in zip(fit.weights, expected) { #expect(abs(weight - value) < 1e-6) }
        #expect(abs(fit.offset[0] - 5) < 1e-6 && abs(fit.offset[1]) < 1e-6)
        for (error, deviation) in zip(moments.squaredErrors(of: fit), moments.squaredDeviations) {
            #expect(error < 1e-6 * deviation)
        }
        // One output by itself is the same as among others.
        let second = try #require(moments.fit(ridge: 1e-12, outputs: 1..<2))
        #expect(abs(second([1, 2, 0.1, 4], outputs: 1..<2)[0] - fit([1, 2, 0.1, 4])[1]) < 1e-9)
        #expect(abs(fit([1, 2, 0.1, 4])[0] - 5) < 1e-6)
        // A strong ridge predicts the mean.
        let flat = try #require(moments.fit(ridge: 1e9))
        for (error, deviation) in zip(moments.squaredErrors(of: flat), moments.squaredDeviations) {
            #expect(abs(error / deviation - 1) < 1e-3)
        }
    }

    @Test("principal components are orthonormal, in the order of variance, and keep all of a plane")
    func components() {
        var numbers = Numbers()
        let rows = (0..<200).map { _ -> [Double] in
            let (u, v) = (3 * numbers.next(), numbers.next())
            return [u + 1, u - v, v, u + v, 2, -u]
        }
        let principal = PrincipalComponents(rows, components: 6)
        for (i, a) in principal.directions.enumerated() {
            for (j, b) in principal.directions.enumerated() {
                let product = zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
                #expect(abs(product - (i == j ? 1 : 0)) < 1e-9, "\(i), \(j)")
            }
        }
        let parts = rows.map { principal($0) }
        let variances = (0..<2).map { place in parts.reduce(0) { $0 + $1[place] * $1[place] } }
        #expect(variances[0] > variances[1] && variances[1] > 1)
        #expect(principal.directions.count == 2, "the rows vary in a plane")
        let total = rows.reduce(0) { sum, row in
            sum + zip(row, principal.means).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        }
        #expect(abs(variances[0] + variances[1] - total) < 1e-9 * total)
        #expect(PrincipalComponents([[1, 2], [1, 2]], components: 2).directions.isEmpty)
        #expect(PrincipalComponents(rows, components: 1)([0, 0, 0, 0, 0, 0]).count == 1)
    }

    @Test("eigenvalues and vectors of small and of degenerate matrices")
    func eigen() {
        var numbers = Numbers()
        for size in [1, 2, 3, 17, 40] {
            let root = numbers.next(size * size)
            // Of half the rank.
            let rank = (size + 1) / 2
            var matrix = [Double](repeating: 0, count: size * size)
            for i in 0..<size {
                for j in 0..<size {
                    for k in 0..<rank { matrix[i * size + j] += root[i * size + k] * root[j * size + k] }
                }
            }
            let (values, vectors) = SymmetricEigen.decompose(matrix, size: size)
            for column in 0..<size {
                for i in 0..<size {
                    let product = (0..<size).reduce(0) { $0 + matrix[i * size + $1] * vectors[$1 * size + column] }
                    #expect(abs(product - values[column] * vectors[i * size + column]) < 1e-9, "\(size)")
                }
            }
            #expect(values.count { $0 > 1e-9 } == rank)
        }
        #expect(SymmetricEigen.decompose([0, 0, 0, 0], size: 2).values == [0, 0])
    }

    @Test("folding keeps lengths and tells numbers apart; few numbers stay as they are")
    func folding() {
        var numbers = Numbers()
        let long = numbers.next(1000).map { Float($0) }
        let fold = RandomFold(inputs: 1000, outputs: 16, seed: 1)
        let folded = fold(long[...])
        #expect(folded.count == 16 && folded == RandomFold(inputs: 1000, outputs: 16, seed: 1)(long[...]))
        #expect(folded != RandomFold(inputs: 1000, outputs: 16, seed: 2)(long[...]))
        let length = long.reduce(0) { $0 + Double($1 * $1) }
        #expect((0.3...3).contains(folded.reduce(0) { $0 + $1 * $1 } / length))
        #expect(fold(long[...], minus: long[...]).allSatisfy { $0 == 0 })
        #expect(RandomFold(inputs: 3, outputs: 16, seed: 1)([1, 2, 3]) == [1, 2, 3])
    }
}
