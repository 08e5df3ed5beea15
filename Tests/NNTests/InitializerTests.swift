import NN
import Randomness
import Testing

@Suite("Initialisation")
struct InitializerTests {
    @Test("a linear layer's values are uniform within 1 / sqrt(fan-in)", arguments: [768, 3072, 128])
    func linear(fanIn: Int) {
        var generator = RandomGenerator(seed: 2, purpose: "initializer test")
        let count = 100_000
        let values = Initializer.linear(fanIn: fanIn).values(count, &generator).map(Double.init)
        let bound = 1 / Double(fanIn).squareRoot()
        let mean = values.reduce(0, +) / Double(count)
        let variance = values.reduce(0.0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
        // Five standard errors of the mean (0.58 bound / √n) and of the variance (0.9 of it / √n).
        #expect(abs(mean) <= 5 * 0.58 * bound / Double(count).squareRoot())
        #expect(abs(variance / (bound * bound / 3) - 1) <= 5 * 0.9 / Double(count).squareRoot())
        // The largest of n uniform numbers misses the bound by about 1 / n of it.
        let largest = values.reduce(0) { max($0, abs($1)) }
        #expect(largest <= bound * (1 + 1e-7) && largest >= bound * (1 - 20 / Double(count)))
    }

    @Test("zeros and ones are that")
    func constants() {
        var generator = RandomGenerator(seed: 2, purpose: "initializer test")
        #expect(Initializer.zeros.values(3, &generator) == [0, 0, 0])
        #expect(Initializer.ones.values(2, &generator) == [1, 1])
    }
}
