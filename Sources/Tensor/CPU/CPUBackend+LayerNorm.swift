import Kernels

extension CPUBackend {
    /// Rows per task; also how many rows share one partial sum of the weight's gradient.
    static let normRows = 64

    public func layerNorm(
        _ x: Tensor, weight: Tensor, bias: Tensor, epsilon: Float, into y: Tensor, mean: Tensor?, rstd: Tensor?
    ) {
        if y.dtype == .bf16 {
            precondition(mean == nil && rstd == nil, "a bf16 layer norm is remembered by its normalised rows")
            return halfLayerNorm(x, weight: weight, bias: bias, epsilon: epsilon, into: y, normalized: nil, rstd: nil)
        }
        let columns = weight.count
        precondition(x.count == y.count && x.count % columns == 0, "layer norm over \(columns) of \(x.shape)")
        let source = pointer(x), target = pointer(y), w = pointer(weight), b = pointer(bias)
        let means = mean.map(pointer), rstds = rstd.map(pointer)
        split(x.count / columns, grain: Self.normRows) { start, count in
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
        let upstream = pointer(dy), source = pointer(x), w = pointer(weight), target = pointer(dx)
        let means = pointer(mean), rstds = pointer(rstd)
        sumOverRows(rows, columns, dweight, dbias) { start, count, weightSums, biasSums in
            kernels.layer_norm_backward(
                upstream + start * columns, source + start * columns, w, means + start, rstds + start, count, columns,
                target + start * columns, accumulate ? 1 : 0, weightSums, biasSums)
        }
    }

    /// Runs `body` over pieces of the rows. Every piece sums its own rows; the partial sums are added in order
    /// afterwards.
    func sumOverRows(
        _ rows: Int, _ columns: Int, _ dweight: Tensor?, _ dbias: Tensor?,
        _ body: (
            _ start: Int, _ count: Int, _ weightSums: UnsafeMutablePointer<Float>?,
            _ biasSums: UnsafeMutablePointer<Float>?
        ) -> Void
    ) {
        guard let dweight, let dbias else {
            return split(rows, grain: Self.normRows) { body($0, $1, nil, nil) }
        }
        let pieces = (rows + Self.normRows - 1) / Self.normRows
        let partial = zeros([pieces, 2, columns])
        let sums = pointer(partial)
        split(rows, grain: Self.normRows) { start, count in
            let own = sums + start / Self.normRows * 2 * columns
            body(start, count, own, own + columns)
        }
        kernels.column_sums(sums, pieces, columns, 2 * columns, pointer(dweight))
        kernels.column_sums(sums + columns, pieces, columns, 2 * columns, pointer(dbias))
    }
}
