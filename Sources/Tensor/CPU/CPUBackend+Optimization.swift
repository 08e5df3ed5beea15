import Foundation
import Kernels

/// Clipping, the optimiser's step and averages of parameters.
extension CPUBackend {
    public func clip(squares: Tensor, gradientScale: Float, limit: Double?, norm: Tensor, scale: Tensor) {
        let sums = UnsafeBufferPointer(start: doublePointer(squares), count: squares.count)
        let value = sums.reduce(0, +).squareRoot() * Double(gradientScale)
        doublePointer(norm)[0] = value
        let factor = gradientScale * (limit.map { Float(min(1, $0 / (value + 1e-6))) } ?? 1)
        pointer(scale)[0] = value.isFinite ? factor : .nan
    }

    public func adamW(
        _ step: AdamWStep, gradientScale: Tensor, value: Tensor, gradient: Tensor, expAvg: Tensor, expAvgSq: Tensor
    ) {
        precondition(
            value.count == gradient.count && value.count == expAvg.count && value.count == expAvgSq.count,
            "AdamW over \(value.count) values, \(gradient.count) gradients, \(expAvg.count) moments")
        guard pointer(gradientScale)[0].isFinite else { return }
        var constants = LamAdamW(
            learning_rate: step.learningRate, beta1: step.beta1, beta2: step.beta2, epsilon: step.epsilon,
            weight_decay: step.weightDecay,
            bias_correction1: Float(1 - pow(Double(step.beta1), Double(step.step))),
            bias_correction2: Float(1 - pow(Double(step.beta2), Double(step.step))),
            gradient_scale: pointer(gradientScale)[0])
        let p = pointer(value), g = pointer(gradient), m = pointer(expAvg), v = pointer(expAvgSq)
        withUnsafePointer(to: &constants) { constants in
            split(value.count, grain: Self.grain) {
                kernels.adamw(constants, p + $0, g + $0, m + $0, v + $0, $1)
            }
        }
    }

    public func movingAverage(of value: Tensor, decay: Double, into average: Tensor) {
        precondition(value.count == average.count, "average of \(value.shape) in \(average.shape)")
        // Both factors are rounded from double, as torch rounds Python's numbers.
        let keep = Float(decay), take = Float(1 - decay)
        let source = pointer(value), target = pointer(average)
        split(value.count, grain: Self.grain) { kernels.moving_average(target + $0, source + $0, keep, take, $1) }
    }
}
