import LAM
import Tensor

/// The best rate of matrix products, by which a run's speed is judged.
enum ProductCeiling {
    /// Products per measurement: a tenth of a second of f32 on two cores.
    private static let repetitions = 5
    private static let (rows, width) = (1600, 768)

    /// GFLOP/s of a product of a transformer's size in the type that a run multiplies in.
    static func measure(_ backend: any Backend, _ autocast: Autocast) -> Double {
        let type = autocast == .off ? DType.f32 : .bf16
        let zeros = backend.zeros([rows, width]), weight = backend.zeros([width, width])
        let out = backend.empty([rows, width], type), x = type == .f32 ? zeros : backend.empty([rows, width], type)
        if type != .f32 { backend.cast(zeros, into: x) }
        var best = 0.0
        for _ in 0..<repetitions {
            let start = ContinuousClock.now
            backend.linear(x, weight: weight, bias: nil, epilogue: .none, into: out)
            best = max(best, 2 * Double(rows * width * width) / ((ContinuousClock.now - start) / .seconds(1)) / 1e9)
        }
        return best
    }
}
