import Foundation
import StableHLO
import Tensor

/// Clipping, the optimiser's step and averages of parameters. What differs between steps is told to the program.
extension RecordingBackend {
    public func clip(squares: Tensor, gradientScale: Float, limit: Double?, norm: Tensor, scale: Tensor) {
        record { r in
            let sum = r.function.sum(r.function.reshape(r.read(squares), [squares.count]), axes: [0])
            let factor = r.number(gradientScale)
            let value = r.function.multiply(r.function.unary(.sqrt, sum), r.function.convert(factor, to: .f64))
            r.write(value, to: norm)
            let isFinite = r.function.isFinite(value), none = r.function.constant(.nan, .f32)
            guard let limit else { return r.write(r.function.select(isFinite, factor, none), to: scale) }
            let ratio = r.function.divide(r.function.constant(limit, .f64), r.function.add(value, number: 1e-6))
            let one = r.function.constant(1, .f64)
            let within = r.function.select(r.function.compare(ratio, .less, one), ratio, one)
            let clipped = r.function.multiply(factor, r.function.convert(within, to: .f32))
            r.write(r.function.select(isFinite, clipped, none), to: scale)
        }
    }

    public func adamW(
        _ step: AdamWStep, gradientScale: Tensor, value: Tensor, gradient: Tensor, expAvg: Tensor, expAvgSq: Tensor
    ) {
        precondition(
            value.count == gradient.count && value.count == expAvg.count && value.count == expAvgSq.count,
            "AdamW over \(value.count) values, \(gradient.count) gradients, \(expAvg.count) moments")
        let correction1 = Float(1 - pow(Double(step.beta1), Double(step.step)))
        let correction2 = Float(1 - pow(Double(step.beta2), Double(step.step)))
        record { r in
            for moment in [expAvg, expAvgSq] { r.hold(moment) }
            let shape = [value.count]
            func all(_ number: Float) -> Value { r.function.broadcast(scalar: r.number(number), to: shape) }
            func flat(_ tensor: Tensor) -> Value { r.function.reshape(r.read(tensor), shape) }
            let factor = r.function.reshape(r.read(gradientScale), [])
            let scale = r.function.broadcast(scalar: factor, to: shape)
            let isFinite = r.function.broadcast(scalar: r.function.isFinite(factor), to: shape)
            let g = r.function.multiply(flat(gradient), scale)
            let (before, before2) = (flat(expAvg), flat(expAvgSq))
            let step1 = r.function.multiply(r.function.subtract(g, before), by: Double(1 - step.beta1))
            let m = r.function.add(before, step1)
            let squares = r.function.multiply(r.function.multiply(g, g), by: Double(1 - step.beta2))
            let v = r.function.add(r.function.multiply(before2, by: Double(step.beta2)), squares)
            let root = r.function.divide(r.function.unary(.sqrt, v), all(correction2.squareRoot()))
            let change = r.function.divide(m, r.function.add(root, number: Double(step.epsilon)))
            let decayed = r.function.multiply(flat(value), all(1 - step.learningRate * step.weightDecay))
            let moved = r.function.multiply(change, all(step.learningRate / correction1))
            func write(_ new: Value, over old: Value, to tensor: Tensor) {
                r.write(r.function.select(isFinite, new, old), to: tensor)
            }
            write(r.function.subtract(decayed, moved), over: flat(value), to: value)
            write(m, over: before, to: expAvg)
            write(v, over: before2, to: expAvgSq)
        }
    }

    public func movingAverage(of value: Tensor, decay: Double, into average: Tensor) {
        precondition(value.count == average.count, "average of \(value.shape) in \(average.shape)")
        record { r in
            // Both factors are rounded from double, as torch rounds Python's numbers.
            let kept = r.function.multiply(r.floats(average), by: Double(Float(decay)))
            let taken = r.function.multiply(r.floats(value), by: Double(Float(1 - decay)))
            r.write(r.function.add(kept, r.function.reshape(taken, average.shape)), to: average)
        }
    }
}
