import StableHLO
import Tensor

extension RecordingBackend {
    /// What is kept of a norm: an f32 result's input with its rows' means, or a bf16 result's normalised rows.
    private struct NormalizedRows {
        let rows: Tensor
        let mean: Tensor?
        let rstd: Tensor
    }

    public func layerNorm(
        _ x: Tensor, weight: Tensor, bias: Tensor, epsilon: Float, into y: Tensor, keeps: Bool
    ) -> KeptActivations? {
        let columns = weight.count, rows = x.count / columns, isHalf = y.dtype == .bf16
        precondition(x.count == y.count && x.count % columns == 0, "layer norm over \(columns) of \(x.shape)")
        let kept =
            keeps
            ? NormalizedRows(
                rows: isHalf ? empty(x.shape, .bf16) : x.detached, mean: isHalf ? nil : empty([rows]),
                rstd: empty([rows])) : nil
        record { r in
            let input = r.function.reshape(r.floats(x), [rows, columns])
            let mean = r.function.mean(lastAxisOf: input)
            let centred = r.function.subtract(input, r.function.broadcast(allButLastAxis: mean, to: input.shape))
            let variance = r.function.mean(lastAxisOf: r.function.multiply(centred, centred))
            let rstd = r.function.reciprocalRoot(variance, epsilon)
            let h = r.function.multiply(centred, r.function.broadcast(allButLastAxis: rstd, to: input.shape))
            let scaled = r.function.multiply(h, r.line(weight, of: h))
            r.write(r.function.add(scaled, r.line(bias, of: h)), to: y)
            guard let kept else { return }
            r.write(rstd, to: kept.rstd)
            if let means = kept.mean { r.write(mean, to: means) } else { r.write(h, to: kept.rows) }
        }
        return kept.map { KeptActivations($0) }
    }

    /// The result itself is kept: the compiler decides what is made again.
    public func layerNormRecipe(_ kept: KeptActivations, weight: Tensor, bias: Tensor) -> (() -> Tensor)? { nil }

    public func layerNormBackward(
        _ dy: Tensor, kept: KeptActivations, weight: Tensor, into dx: Tensor?, accumulate: Bool, dweight: Tensor?,
        dbias: Tensor?
    ) {
        let kept = own(kept.storage, NormalizedRows.self), columns = weight.count
        precondition(dy.count == kept.rows.count, "layer norm gradient \(dy.shape) of \(kept.rows.shape)")
        record { r in
            let shape = [dy.count / columns, columns]
            let upstream = r.function.reshape(r.floats(dy), shape)
            let rstd = r.function.broadcast(allButLastAxis: r.read(kept.rstd), to: shape)
            var h = r.function.reshape(r.floats(kept.rows), shape)
            if let mean = kept.mean {
                h = r.function.subtract(h, r.function.broadcast(allButLastAxis: r.read(mean), to: shape))
                h = r.function.multiply(h, rstd)
            }
            if let dweight, let dbias {
                r.add(r.function.sum(r.function.multiply(upstream, h), axes: [0]), to: dweight)
                r.add(r.function.sum(upstream, axes: [0]), to: dbias)
            }
            guard let dx else { return }
            let g = r.function.multiply(upstream, r.line(weight, of: upstream))
            let meanG = r.function.mean(lastAxisOf: g)
            let meanGH = r.function.mean(lastAxisOf: r.function.multiply(g, h))
            let centred = r.function.subtract(g, r.function.broadcast(allButLastAxis: meanG, to: shape))
            let along = r.function.multiply(h, r.function.broadcast(allButLastAxis: meanGH, to: shape))
            r.write(
                r.function.multiply(r.function.subtract(centred, along), rstd), to: dx, accumulate: accumulate)
        }
    }

    public func rmsNorm(_ x: Tensor, weight: Tensor, epsilon: Float, into y: Tensor) {
        let columns = weight.count
        precondition(x.count == y.count && x.count % columns == 0, "RMS norm over \(columns) of \(x.shape)")
        record { r in
            let rows = r.function.reshape(r.floats(x), [x.count / columns, columns])
            let rstd = r.function.reciprocalRoot(r.function.mean(lastAxisOf: r.function.multiply(rows, rows)), epsilon)
            let scaled = r.function.multiply(rows, r.function.broadcast(allButLastAxis: rstd, to: rows.shape))
            r.write(r.function.multiply(scaled, r.line(weight, of: rows)), to: y)
        }
    }
}

extension Recording {
    /// A vector, repeated along the rows of a matrix.
    func line(_ vector: Tensor, of matrix: Value) -> Value {
        function.broadcast(lastAxis: function.reshape(floats(vector), [vector.count]), to: matrix.shape)
    }
}

extension Function {
    mutating func mean(lastAxisOf x: Value) -> Value {
        let sum = sum(lastAxisOf: x)
        return binary(.divide, sum, Double(x.shape[x.shape.count - 1]))
    }

    /// `1 / sqrt(x + epsilon)`.
    mutating func reciprocalRoot(_ x: Value, _ epsilon: Float) -> Value {
        divide(constant(1, .f32, x.shape), unary(.sqrt, add(x, number: Double(epsilon))))
    }
}
