/// Operations that move elements.
extension Function {
    /// The same elements in order under another shape.
    public mutating func reshape(_ x: Value, _ shape: [Int]) -> Value {
        guard x.shape != shape else { return x }
        let type = TensorType(x.element, shape)
        precondition(type.count == x.type.count, "reshape of \(x.type) to \(shape)")
        return append(.reshape, [x], type)
    }

    /// Axis i of the result is axis `axes[i]`.
    public mutating func transpose(_ x: Value, _ axes: [Int]) -> Value {
        precondition(axes.sorted() == Array(x.shape.indices), "transposition of \(x.type) by \(axes)")
        guard axes != Array(x.shape.indices) else { return x }
        return append(.transpose(axes), [x], TensorType(x.element, axes.map { x.shape[$0] }))
    }

    /// Repeats `x` along new axes: its axis i becomes axis `axes[i]` of the result.
    public mutating func broadcast(_ x: Value, to shape: [Int], axes: [Int]) -> Value {
        precondition(
            axes.count == x.shape.count
                && zip(axes, x.shape).allSatisfy { shape.indices.contains($0) && ($1 == 1 || shape[$0] == $1) },
            "repetition of \(x.type) along \(axes) of \(shape)")
        guard x.shape != shape else { return x }
        return append(.broadcast(axes), [x], TensorType(x.element, shape))
    }

    /// One number in every element.
    public mutating func broadcast(scalar x: Value, to shape: [Int]) -> Value { broadcast(x, to: shape, axes: []) }

    /// A vector along the last axis.
    public mutating func broadcast(lastAxis x: Value, to shape: [Int]) -> Value {
        broadcast(x, to: shape, axes: [shape.count - 1])
    }

    /// What lost its last axis, repeated along it.
    public mutating func broadcast(allButLastAxis x: Value, to shape: [Int]) -> Value {
        broadcast(x, to: shape, axes: Array(0..<shape.count - 1))
    }

    public mutating func slice(_ x: Value, starts: [Int], ends: [Int], strides: [Int]? = nil) -> Value {
        let strides = strides ?? [Int](repeating: 1, count: x.shape.count)
        let fits = x.shape.indices.allSatisfy { 0 <= starts[$0] && starts[$0] <= ends[$0] && ends[$0] <= x.shape[$0] }
        precondition(
            starts.count == x.shape.count && ends.count == x.shape.count && strides.allSatisfy { $0 > 0 } && fits,
            "slice \(starts) to \(ends) by \(strides) of \(x.type)")
        let shape = x.shape.indices.map { (ends[$0] - starts[$0] + strides[$0] - 1) / strides[$0] }
        guard shape != x.shape else { return x }
        return append(.slice(starts: starts, ends: ends, strides: strides), [x], TensorType(x.element, shape))
    }

    /// Places `range` of an axis.
    public mutating func slice(_ x: Value, axis: Int, _ range: Range<Int>) -> Value {
        var starts = [Int](repeating: 0, count: x.shape.count), ends = x.shape
        (starts[axis], ends[axis]) = (range.lowerBound, range.upperBound)
        return slice(x, starts: starts, ends: ends)
    }

    public mutating func concatenate(_ parts: [Value], axis: Int) -> Value {
        let all = parts, parts = all.count == 1 ? all : all.filter { $0.shape[axis] > 0 }
        guard parts.count > 1 else { return parts.first ?? all[0] }
        var shape = parts[0].shape
        for part in parts {
            var other = part.shape
            other[axis] = shape[axis]
            precondition(
                other == shape && part.element == parts[0].element,
                "\(part.type) behind \(parts[0].type) along axis \(axis)")
        }
        shape[axis] = parts.reduce(0) { $0 + $1.shape[axis] }
        return append(.concatenate(axis: axis), parts, TensorType(parts[0].element, shape))
    }

    /// `padding` around `x`, of given thickness along each axis.
    public mutating func pad(_ x: Value, with padding: Value, low: [Int], high: [Int]) -> Value {
        precondition(
            low.count == x.shape.count && high.count == x.shape.count && padding.type == TensorType(x.element, [])
                && (low + high).allSatisfy { $0 >= 0 },
            "padding \(padding.type) of \(low) and \(high) around \(x.type)")
        guard (low + high).contains(where: { $0 > 0 }) else { return x }
        let shape = x.shape.indices.map { x.shape[$0] + low[$0] + high[$0] }
        return append(.pad(low: low, high: high), [x, padding], TensorType(x.element, shape))
    }

    /// `count` elements of a vector from a place that the program is told.
    public mutating func dynamicSlice(_ x: Value, from start: Value, count: Int) -> Value {
        precondition(
            x.shape.count == 1 && start.type == TensorType(.i64, []) && count <= x.shape[0],
            "\(count) elements of \(x.type) from \(start.type)")
        return append(.dynamicSlice([count]), [x, start], TensorType(x.element, [count]))
    }

    /// The vector `x` with `update` at a place that the program is told.
    public mutating func dynamicUpdateSlice(_ x: Value, _ update: Value, at start: Value) -> Value {
        precondition(
            x.shape.count == 1 && update.shape.count == 1 && update.element == x.element
                && update.shape[0] <= x.shape[0] && start.type == TensorType(.i64, []),
            "\(update.type) in \(x.type) at \(start.type)")
        return append(.dynamicUpdateSlice, [x, update, start], x.type)
    }
}
