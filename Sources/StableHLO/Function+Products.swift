/// Products of matrices, and convolutions.
extension Function {
    /// Products summed over axes: the result has the axes that stay, then the left operand's others, then the right one's.
    ///
    /// - Parameter element: type of the sums and the result.
    public mutating func dot(
        _ a: Value, _ b: Value, _ axes: DotAxes, to element: Element, _ precision: Precision = .exact
    ) -> Value {
        func extents(_ x: Value, _ axes: [Int]) -> [Int] { axes.map { x.shape[$0] } }
        precondition(
            a.element == b.element && extents(a, axes.batch.left) == extents(b, axes.batch.right)
                && extents(a, axes.contracted.left) == extents(b, axes.contracted.right),
            "product of \(a.type) and \(b.type) over \(axes)")
        func others(_ x: Value, _ used: [Int]) -> [Int] {
            x.shape.indices.filter { !used.contains($0) }.map { x.shape[$0] }
        }
        let shape =
            extents(a, axes.batch.left) + others(a, axes.batch.left + axes.contracted.left)
            + others(b, axes.batch.right + axes.contracted.right)
        return append(.dot(axes, precision), [a, b], TensorType(element, shape))
    }

    /// `x` `[N, …, C]` convolved with `filter` `[O, C, …]`: `[N, …, O]`, with one or several axes of space or time between.
    public mutating func convolve(
        _ x: Value, _ filter: Value, _ window: ConvolutionWindow, to element: Element, _ precision: Precision = .exact
    ) -> Value {
        let rank = window.strides.count
        precondition(
            x.shape.count == rank + 2 && filter.shape.count == rank + 2 && window.low.count == rank
                && window.high.count == rank && x.shape[rank + 1] == filter.shape[1] && x.element == filter.element,
            "convolution of \(x.type) by \(filter.type), \(window)")
        let space = (0..<rank).map { axis -> Int in
            let padded = x.shape[1 + axis] + window.low[axis] + window.high[axis]
            return (padded - filter.shape[2 + axis]) / window.strides[axis] + 1
        }
        precondition(space.allSatisfy { $0 > 0 }, "convolution of \(x.type) by \(filter.type), \(window)")
        let type = TensorType(element, [x.shape[0]] + space + [filter.shape[0]])
        return append(.convolution(window, precision), [x, filter], type)
    }

    /// Rows of `table` `[K, L]` at `indices` `[n]`.
    public mutating func gatherRows(_ table: Value, _ indices: Value) -> Value {
        precondition(
            table.shape.count == 2 && indices.shape.count == 1 && indices.element == .i32,
            "rows of \(table.type) at \(indices.type)")
        return append(.gatherRows, [table, indices], TensorType(table.element, [indices.shape[0], table.shape[1]]))
    }

    /// `table` `[K, L]` with each of `rows` `[n, L]` added to its row at `indices` `[n]`.
    public mutating func scatterAddRows(_ table: Value, _ indices: Value, _ rows: Value) -> Value {
        precondition(
            table.shape.count == 2 && indices.shape.count == 1 && indices.element == .i32
                && rows.type == TensorType(table.element, [indices.shape[0], table.shape[1]]),
            "rows \(rows.type) added to \(table.type) at \(indices.type)")
        return append(.scatterAddRows, [table, indices, rows], table.type)
    }
}
