/// Vector quantisation with a straight-through gradient (van den Oord et al. 2017).
extension Tape {
    /// Index (i32, `[...]`) of the nearest row of `codebook` `[K, L]` for each row of `x` `[..., L]`, by Euclidean
    /// distance; the lowest index wins a tie. Has no gradient.
    public func nearestCodes(_ x: Tensor, in codebook: Parameter) -> Tensor {
        let indices = backend.empty(Array(x.shape.dropLast()), .i32)
        backend.nearestCodes(x, codebook: codebook.value, into: indices)
        return indices
    }

    /// Rows `indices` of `table` `[K, L]`: `[..., L]`. Gradient: added to those rows.
    public func embedding(_ indices: Tensor, in table: Parameter) -> Tensor {
        let out = backend.empty(indices.shape + [table.shape[1]])
        backend.gatherRows(table.value, indices: indices, into: out)
        return record(out, from: [], training: [table]) { [self] gradient in
            if let tableGradient = table.gradient {
                backend.scatterAddRows(gradient, indices: indices, to: tableGradient)
            }
        }
    }

    /// `x + (code - x)`: the value of `code`, the gradient of `x`. Added in this order, so that it rounds as the
    /// original's.
    public func straightThrough(_ x: Tensor, _ code: Tensor) -> Tensor {
        let out = backend.empty(x.shape)
        let minusOne = backend.empty(x.shape)
        backend.fill(minusOne, with: -1)
        backend.multiply(x, minusOne, into: out)
        backend.add(out, code, into: out)
        backend.add(out, x, into: out)
        return record(out, from: [x]) { [self] gradient in accumulate(gradient, into: x) }
    }
}
