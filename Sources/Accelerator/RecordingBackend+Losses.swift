import StableHLO
import Tensor

extension RecordingBackend {
    public func meanSquaredError(_ a: Tensor, _ b: Tensor, into out: Tensor) {
        precondition(a.count == b.count, "mean squared error of \(a.shape) and \(b.shape)")
        record { r in
            let difference = r.difference(a, b)
            let sum = r.function.sumOfSquares(difference)
            r.write(r.function.binary(.divide, sum, Double(a.count)), to: out)
        }
    }

    public func meanSquaredErrorBackward(
        _ a: Tensor, _ b: Tensor, scale: Tensor, sign: Float, into out: Tensor, accumulate: Bool
    ) {
        precondition(a.count == b.count && a.count == out.count, "\(a.shape) - \(b.shape) into \(out.shape)")
        record { r in
            let difference = r.difference(a, b)
            let factor = r.function.multiply(
                r.function.reshape(r.floats(scale), []), by: Double(sign * 2 / Float(a.count)))
            let scaled = r.function.multiply(
                difference, r.function.broadcast(scalar: factor, to: difference.shape))
            r.write(scaled, to: out, accumulate: accumulate)
        }
    }

    public func weightedSum(_ terms: [(tensor: Tensor, weight: Float)], into out: Tensor) {
        record { r in
            var sum = r.function.constant(0, .f32)
            for (tensor, weight) in terms {
                let term = r.function.reshape(r.floats(tensor), [])
                sum = r.function.add(sum, r.function.multiply(term, by: Double(weight)))
            }
            r.write(sum, to: out)
        }
    }

    public func scale(_ x: Tensor, by factor: Float, into out: Tensor) {
        precondition(x.count == 1 && out.count == 1, "a scalar of \(x.shape) into \(out.shape)")
        record { $0.write($0.function.multiply($0.floats(x), by: Double(factor)), to: out) }
    }
}

extension Recording {
    /// `a - b`, flat.
    fileprivate func difference(_ a: Tensor, _ b: Tensor) -> Value {
        function.subtract(function.reshape(floats(a), [a.count]), function.reshape(floats(b), [b.count]))
    }
}
