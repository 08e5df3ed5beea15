import LAM
import NN
import Randomness
import Tensor

/// The best rate of matrix products, by which a run's speed is judged.
package enum ProductCeiling {
    /// Sizes of a product: `[rows, depth]` times `[depth, columns]`.
    package typealias Shape = (rows: Int, columns: Int, depth: Int)

    /// One of a transformer's size: a tenth of a second of f32 on two cores.
    package static let brief: [Shape] = [(1600, 768, 768)]
    /// All that a transformer of the original's size has.
    package static let thorough: [Shape] = [(3200, 768, 768), (3200, 2304, 768), (3200, 3072, 768), (3200, 768, 3072)]

    private static let repetitions = 5

    /// Best GFLOP/s over products of these sizes, in the type that a run multiplies in.
    package static func measure(_ backend: any Backend, _ autocast: Autocast, _ shapes: [Shape]) -> Double {
        let type = autocast == .off ? DType.f32 : .bf16
        var generator = RandomGenerator(seed: 0, purpose: "product ceiling")
        // A prime number of values, so that no two lines are alike.
        let values = Initializer.uniform(bound: 1).values(4093, &generator)
        var best = 0.0
        for (rows, columns, depth) in shapes {
            // Uploaded, so that no compiler knows what they hold. Zeros would not do: they take less current, and Intel's
            // matrix units make a sixth more products of them than of numbers.
            func uploaded(_ shape: [Int]) -> Tensor {
                backend.tensor((0..<shape.product).map { values[$0 % values.count] }, shape)
            }
            let numbers = uploaded([rows, depth]), weight = uploaded([columns, depth])
            let out = backend.empty([rows, columns], type),
                x = type == .f32 ? numbers : backend.empty([rows, depth], type)
            if type != .f32 { backend.cast(numbers, into: x) }
            for _ in 0..<repetitions {
                let start = ContinuousClock.now
                backend.linear(x, weight: weight, bias: nil, epilogue: .none, into: out)
                guard (try? backend.synchronize()) != nil else { return best }
                let seconds = (ContinuousClock.now - start) / .seconds(1)
                best = max(best, 2 * Double(rows) * Double(columns) * Double(depth) / seconds / 1e9)
            }
        }
        return best
    }
}
