import StableHLO
import Tensor

/// What is done to all tokens of a sample by one vector of its own.
extension RecordingBackend {
    public func scaleSamples(
        _ x: Tensor, by factors: Tensor, adding base: Tensor, shift: Tensor?, into out: Tensor
    ) {
        let shape = sampleShape(x, factors)
        precondition(
            base.count == x.count && out.count == x.count && (shift.map { $0.count == factors.count } ?? true),
            "samples of \(x.shape) with \(base.shape) into \(out.shape)")
        record { r in
            let scaled = r.function.multiply(r.tokens(x, shape), r.everyToken(factors, shape))
            let moved = r.function.add(r.tokens(base, shape), scaled)
            r.write(shift.map { r.function.add(moved, r.everyToken($0, shape)) } ?? moved, to: out)
        }
    }

    public func scaleSamplesBackward(
        _ dy: Tensor, x: Tensor, factors: Tensor, into dx: Tensor?, accumulate: Bool, dfactors: Tensor?,
        dshift: Tensor?
    ) {
        let shape = sampleShape(x, factors)
        precondition(dy.count == x.count, "gradient \(dy.shape) of samples of \(x.shape)")
        record { r in
            let upstream = r.tokens(dy, shape)
            if let dfactors {
                let products = r.function.multiply(upstream, r.tokens(x, shape))
                r.write(r.function.sum(products, axes: [1]), to: dfactors)
            }
            if let dshift { r.write(r.function.sum(upstream, axes: [1]), to: dshift) }
            guard let dx else { return }
            r.write(r.function.multiply(upstream, r.everyToken(factors, shape)), to: dx, accumulate: accumulate)
        }
    }

    /// Samples, tokens of each, width.
    private func sampleShape(_ x: Tensor, _ factors: Tensor) -> [Int] {
        let width = x.shape.last ?? 1
        let samples = factors.count / max(1, width)
        precondition(
            width > 0 && samples > 0 && factors.count == samples * width && x.count % factors.count == 0,
            "samples of \(x.shape) by \(factors.shape)")
        return [samples, x.count / factors.count, width]
    }
}

extension Recording {
    fileprivate func tokens(_ tensor: Tensor, _ shape: [Int]) -> Value { function.reshape(floats(tensor), shape) }

    /// A vector of each sample, for all its tokens.
    fileprivate func everyToken(_ vectors: Tensor, _ shape: [Int]) -> Value {
        let rows = function.reshape(floats(vectors), [shape[0], shape[2]])
        return function.broadcast(rows, to: shape, axes: [0, 2])
    }
}
