import Foundation
import Randomness
import Testing

@Suite struct RandomGeneratorTests {
    @Test("the block function gives the published Philox4x32-10 answers")
    func knownAnswers() {
        // Random123's kat_vectors: counter, key, answer.
        let zero = RandomGenerator.block(counter: (0, 0), key: 0)
        #expect(zero.key == 0xe169c58d_6627e8d5 && zero.chain == 0x9b00dbd8_bc57ac4c)
        let ones = RandomGenerator.block(counter: (.max, .max), key: .max)
        #expect(ones.key == 0x41c83b0e_408f276d && ones.chain == 0x6d5451fd_a20bc7c6)
        let digits = RandomGenerator.block(
            counter: (0x85a308d3_243f6a88, 0x03707344_13198a2e), key: 0x299f31d0_a4093822)
        #expect(digits.key == 0x94fdcceb_d16cfe09 && digits.chain == 0x24126ea1_5001e420)
    }

    @Test("a saved generator continues with the very next number")
    func stateRoundTrip() throws {
        var generator = RandomGenerator(seed: .max, purpose: "test", 3, -1)
        for count in [0, 1, 2, 7] {
            for _ in 0..<count { _ = generator.next() }
            let saved = try JSONEncoder().encode(generator)
            var restored = try JSONDecoder().decode(RandomGenerator.self, from: saved)
            #expect(restored == generator)
            #expect(restored.next() == generator.next())
            #expect(restored.normal() == generator.normal())
        }
    }

    @Test("seed, purpose and every index name a different stream")
    func streamsDiffer() {
        var firsts: Set<UInt64> = []
        var names = 0
        for seed in [0, 1, 42] as [UInt64] {
            for purpose in ["", "a", "b", "window", "windows", "window\0"] {
                for var generator in [
                    RandomGenerator(seed: seed, purpose: purpose), RandomGenerator(seed: seed, purpose: purpose, 0),
                    RandomGenerator(seed: seed, purpose: purpose, 0, 0),
                    RandomGenerator(seed: seed, purpose: purpose, 1, 0),
                    RandomGenerator(seed: seed, purpose: purpose, 0, 1),
                    RandomGenerator(seed: seed, purpose: purpose, -1),
                ] {
                    names += 1
                    firsts.insert(generator.next())
                }
            }
        }
        #expect(firsts.count == names)
    }

    @Test("integers are uniform over their range and reach both ends")
    func integers() {
        var generator = RandomGenerator(seed: 1, purpose: "integers")
        for range in [3...5, 15...20, -2...2, 7...7] {
            var counts = Array(repeating: 0, count: range.count)
            for _ in 0..<6000 { counts[generator.integer(in: range) - range.lowerBound] += 1 }
            let expected = Array(repeating: 1.0 / Double(range.count), count: range.count)
            #expect(ChiSquare.pValue(observed: counts, probabilities: expected) > 1e-4)
        }
        #expect((0..<100).allSatisfy { _ in generator.integer(below: 1) == 0 })
    }

    @Test("uniform and normal numbers have the right moments")
    func moments() {
        var generator = RandomGenerator(seed: 2, purpose: "moments")
        let count = 20_000
        let uniforms = (0..<count).map { _ in generator.uniform(in: -1...3) }
        let normals = (0..<count).map { _ in generator.normal() }
        // Five standard errors of the mean and of the variance of 20 000 draws.
        func mean(_ x: [Double]) -> Double { x.reduce(0, +) / Double(x.count) }
        func variance(_ x: [Double]) -> Double {
            let center = mean(x)
            return mean(x.map { ($0 - center) * ($0 - center) })
        }
        #expect(uniforms.allSatisfy { $0 >= -1 && $0 < 3 })
        #expect(abs(mean(uniforms) - 1) < 0.041 && abs(variance(uniforms) - 16.0 / 12) < 0.043)
        #expect(abs(mean(normals)) < 0.036 && abs(variance(normals) - 1) < 0.05)
    }

    @Test("a permutation holds every number once and every order occurs equally often")
    func permutations() {
        var generator = RandomGenerator(seed: 3, purpose: "permutation")
        #expect(generator.permutation(0).isEmpty)
        #expect(generator.permutation(1000).sorted() == Array(0..<1000))
        var counts: [[Int]: Int] = [:]
        for _ in 0..<2400 { counts[generator.permutation(4), default: 0] += 1 }
        #expect(counts.count == 24)
        let expected = Array(repeating: 1.0 / 24, count: 24)
        #expect(ChiSquare.pValue(observed: Array(counts.values), probabilities: expected) > 1e-4)
    }
}
