import Foundation
import Tensor

extension BackendConformance {
    static let optimization = [
        BackendConformance("AdamW is PyTorch's, step after step") { trial in
            for count in lengths {
                trial.context = "\(count)"
                let start = Samples.floats(count, "value"), zeros = [Float](repeating: 0, count: count)
                let value = trial.output([count], holding: start)
                let (expAvg, expAvgSq) = (trial.output([count], holding: zeros), trial.output([count], holding: zeros))
                var reference = (start.map(Double.init), zeros.map(Double.init), zeros.map(Double.init))
                for step in 1...3 {
                    let gradient = Samples.floats(count, "gradient", step).map { $0 * 0.01 }
                    let constants = AdamWStep(
                        step: step, learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 1e-2)
                    trial.backend.adamW(
                        constants, gradientScale: trial.input([0.3], []), value: value,
                        gradient: trial.input(gradient, [count]), expAvg: expAvg,
                        expAvgSq: expAvgSq)
                    let (beta1, beta2) = (Double(constants.beta1), Double(constants.beta2))
                    let (rate, scale) = (Double(constants.learningRate), Double(Float(0.3)))
                    let corrections = (1 - pow(beta1, Double(step)), (1 - pow(beta2, Double(step))).squareRoot())
                    for place in gradient.indices {
                        let g = Double(gradient[place]) * scale
                        reference.0[place] -= rate * Double(constants.weightDecay) * reference.0[place]
                        reference.1[place] += (g - reference.1[place]) * (1 - beta1)
                        reference.2[place] = reference.2[place] * beta2 + g * g * (1 - beta2)
                        let denominator = reference.2[place].squareRoot() / corrections.1 + Double(constants.epsilon)
                        reference.0[place] -= rate / corrections.0 * reference.1[place] / denominator
                    }
                }
                trial.expect(value, reference.0, within: Self.rounding, "value")
                for (tensor, expected, scale, name) in [
                    (expAvg, reference.1, 1e3, "exp_avg"), (expAvgSq, reference.2, 1e7, "exp_avg_sq"),
                ] {
                    let got = trial.values(tensor).map { $0 * Float(scale) }
                    let difference = Closeness.difference(got, expected.map { $0 * scale }, tolerance: 1e-6)
                    trial.expect(difference == nil, "\(name): \(difference ?? "")")
                }
            }
        },
        BackendConformance("clipping makes one norm of many sums, and the factor that keeps it within its limit") {
            trial in
            let squares = trial.input([9, 4, 12], [3], .f64)
            let limits: [(limit: Double?, scale: Float)] = [
                (0.1, 0.5 * Float(0.1 / (2.5 + 1e-6))), (2.6, 0.5), (nil, 0.5),
            ]
            for (limit, expected) in limits {
                let norm = trial.output([], .f64), scale = trial.output([])
                trial.backend.clip(squares: squares, gradientScale: 0.5, limit: limit, norm: norm, scale: scale)
                trial.expect(norm, equals: [2.5], "norm")
                trial.expect(scale, equals: [expected], "scale within \(String(describing: limit))")
            }
            let norm = trial.output([], .f64), scale = trial.output([])
            trial.backend.clip(
                squares: trial.input([9, .nan], [2], .f64), gradientScale: 1, limit: 0.1, norm: norm, scale: scale)
            trial.expect(norm, equals: [.nan], "norm of what is no number")
            trial.expect(scale, equals: [.nan], "scale of what is no number")
            let unlimited = trial.output([])
            trial.backend.clip(
                squares: trial.input([9, .infinity], [2], .f64), gradientScale: 1, limit: nil, norm: norm,
                scale: unlimited)
            trial.expect(unlimited, equals: [.nan], "scale of an infinite norm")
        },
        BackendConformance("AdamW changes nothing where gradients are scaled by what is not finite") { trial in
            for scale in [Float.nan, .infinity, -.infinity] {
                trial.context = "\(scale)"
                let numbers = Samples.floats(70, "numbers"), squares = numbers.map { $0 * $0 }
                let value = trial.output([70], holding: numbers), expAvg = trial.output([70], holding: numbers)
                let expAvgSq = trial.output([70], holding: squares)
                trial.backend.adamW(
                    AdamWStep(
                        step: 2, learningRate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.1),
                    gradientScale: trial.input([scale], []), value: value, gradient: trial.input(numbers, [70]),
                    expAvg: expAvg, expAvgSq: expAvgSq)
                trial.expect(value, equals: numbers, "value")
                trial.expect(expAvg, equals: numbers, "exp_avg")
                trial.expect(expAvgSq, equals: squares, "exp_avg_sq")
            }
        },
        BackendConformance("a moving average rounds its factors once, as torch does") { trial in
            for count in lengths {
                let (value, average) = (Samples.floats(count, "value"), Samples.floats(count, "average"))
                let decay = 0.999, (keep, take) = (Float(decay), Float(1 - decay))
                let tensor = trial.output([count], holding: average)
                trial.backend.movingAverage(of: trial.input(value, [count]), decay: decay, into: tensor)
                let expected = zip(average, value).map { Double($0) * Double(keep) + Double($1) * Double(take) }
                trial.expect(tensor, expected, within: Self.rounding, "\(count)")
            }
        },
    ]
}
