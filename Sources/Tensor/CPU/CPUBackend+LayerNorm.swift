import Kernels

extension CPUBackend {
    /// Rows per task; also how many rows share one partial sum of the weight's gradient.
    private static let rowGrain = 64

    public func layerNorm(
        _ x: Tensor, weight: Tensor, bias: Tensor, epsilon: Float, into y: Tensor, mean: Tensor?, rstd: Tensor?
    ) {
        let columns = weight.count
        precondition(x.count == y.count && x.count % columns == 0, "layer norm over \(columns) of \(x.shape)")
        let source = pointer(x), w = pointer(weight), b = pointer(bias)
        let means = mean.map(pointer), rstds = rstd.map(pointer)
        if y.dtype == .bf16 {
            let target = halfPointer(y)
            return split(x.count / columns, grain: Self.rowGrain) { start, count in
                let scratch = empty([columns])
                kernels.half_layer_norm(
                    source + start * columns, w, b, epsilon, count, columns, target + start * columns,
                    means.map { $0 + start }, rstds.map { $0 + start }, pointer(scratch))
            }
        }
        let target = pointer(y)
        split(x.count / columns, grain: Self.rowGrain) { start, count in
            kernels.layer_norm(
                source + start * columns, w, b, epsilon, count, columns, target + start * columns,
                means.map { $0 + start }, rstds.map { $0 + start })
        }
    }

    public func layerNormBackward(
        _ dy: Tensor, x: Tensor, weight: Tensor, mean: Tensor, rstd: Tensor, into dx: Tensor, accumulate: Bool,
        dweight: Tensor?, dbias: Tensor?
    ) {
        let columns = weight.count
        let rows = x.count / columns
        precondition(dy.count == x.count && dx.count == x.count, "layer norm gradient \(dy.shape) of \(x.shape)")
        let source = pointer(x), w = pointer(weight), target = pointer(dx)
        let means = pointer(mean), rstds = pointer(rstd)
        let wantsParameters = dweight != nil && dbias != nil
        // Every task sums its own rows; the partial sums are added in order afterwards.
        let pieces = (rows + Self.rowGrain - 1) / Self.rowGrain
        let partial = zeros([wantsParameters ? pieces : 0, 2, columns])
        let sums = pointer(partial)
        split(rows, grain: Self.rowGrain) { start, count in
            let own = sums + start / Self.rowGrain * 2 * columns
            if dy.dtype == .bf16 {
                let scratch = empty([columns])
                return kernels.half_layer_norm_backward(
                    halfPointer(dy) + start * columns, source + start * columns, w, means + start, rstds + start, count,
                    columns, target + start * columns, accumulate ? 1 : 0, wantsParameters ? own : nil,
                    wantsParameters ? own + columns : nil, pointer(scratch))
            }
            kernels.layer_norm_backward(
                pointer(dy) + start * columns, source + start * columns, w, means + start, rstds + start, count, columns,
                target + start * columns, accumulate ? 1 : 0, wantsParameters ? own : nil,
                wantsParameters ? own + columns : nil)
        }
        if let dweight, let dbias {
            kernels.column_sums(sums, pieces, columns, 2 * columns, pointer(dweight))
            kernels.column_sums(sums + columns, pieces, columns, 2 * columns, pointer(dbias))
        }
    }
}
