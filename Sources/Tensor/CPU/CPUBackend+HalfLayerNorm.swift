import Kernels

/// Layer normalisation with bf16 results, which are what a product takes.
extension CPUBackend {
    public func layerNorm(
        _ x: Tensor, weight: Tensor, bias: Tensor, epsilon: Float, into y: Tensor, normalized: Tensor, rstd: Tensor
    ) {
        precondition(normalized.count == x.count, "normalised rows \(normalized.shape) of \(x.shape)")
        halfLayerNorm(x, weight: weight, bias: bias, epsilon: epsilon, into: y, normalized: normalized, rstd: rstd)
    }

    func halfLayerNorm(
        _ x: Tensor, weight: Tensor, bias: Tensor, epsilon: Float, into y: Tensor, normalized: Tensor?, rstd: Tensor?
    ) {
        let columns = weight.count
        precondition(x.count == y.count && x.count % columns == 0, "layer norm over \(columns) of \(x.shape)")
        let source = pointer(x), target = halfPointer(y), w = pointer(weight), b = pointer(bias)
        let rows = normalized.map(halfPointer), rstds = rstd.map(pointer)
        split(x.count / columns, grain: Self.normRows) { start, count in
            kernels.half_layer_norm(
                source + start * columns, w, b, epsilon, count, columns, target + start * columns,
                rows.map { $0 + start * columns }, rstds.map { $0 + start })
        }
    }

    public func layerNormBackward(
        _ dy: Tensor, normalized: Tensor, weight: Tensor, rstd: Tensor, into dx: Tensor, accumulate: Bool,
        dweight: Tensor?, dbias: Tensor?
    ) {
        let columns = weight.count
        precondition(
            dy.count == normalized.count && dx.count == dy.count, "layer norm gradient \(dy.shape) of \(dx.shape)")
        let upstream = halfPointer(dy), source = halfPointer(normalized), target = pointer(dx)
        let w = pointer(weight), rstds = pointer(rstd)
        sumOverRows(dy.count / columns, columns, dweight, dbias) { start, count, weightSums, biasSums in
            kernels.half_layer_norm_backward(
                upstream + start * columns, source + start * columns, w, rstds + start, count, columns,
                target + start * columns, accumulate ? 1 : 0, weightSums, biasSums)
        }
    }

    public func affine(_ x: Tensor, weight: Tensor, bias: Tensor, into y: Tensor) {
        let columns = weight.count
        precondition(x.count == y.count && x.count % columns == 0, "affine map over \(columns) of \(x.shape)")
        let source = halfPointer(x), target = halfPointer(y), w = pointer(weight), b = pointer(bias)
        split(x.count / columns, grain: Self.normRows) { start, count in
            kernels.half_affine(source + start * columns, w, b, count, columns, target + start * columns)
        }
    }
}
