import StableHLO
import Tensor

/// Copies of blocks: a block is a row of a matrix whose columns are the distance to the next one.
extension RecordingBackend {
    public func copy(_ plan: BlockCopy, from source: Tensor, to target: Tensor, accumulate: Bool) {
        precondition(source.dtype == target.dtype, "copy from \(source.dtype) to \(target.dtype)")
        guard plan.blocks > 0, plan.length > 0 else { return }
        precondition(
            plan.source + (plan.blocks - 1) * plan.sourceStride + plan.length <= source.count
                && plan.target + (plan.blocks - 1) * plan.targetStride + plan.length <= target.count,
            "copy \(plan) from \(source.shape) to \(target.shape)")
        record { r in
            let blocks = r.blocks(plan.blocks, plan.length, from: plan.source, stride: plan.sourceStride, of: source)
            r.write(
                blocks, from: plan.target, stride: plan.targetStride, to: target, accumulate: accumulate)
        }
    }
}

extension RecordingBackend {
    public func isolated(_ x: Tensor) -> Tensor {
        let same = empty(x.shape, x.dtype)
        record { $0.write($0.function.barrier($0.read(x)), to: same) }
        return same
    }
}

extension Recording {
    /// `count` blocks of `length` elements, as a matrix.
    fileprivate func blocks(
        _ count: Int, _ length: Int, from start: Int, stride: Int, of tensor: Tensor
    ) -> Value {
        let shape = [count, length]
        if count == 1 || stride == length { return read(tensor.part(start, count * length, shape)) }
        if stride == 0 { return function.broadcast(lastAxis: read(tensor.part(start, length, [length])), to: shape) }
        guard stride > length else {
            let rows = (0..<count).map { read(tensor.part(start + $0 * stride, length, [1, length])) }
            return function.concatenate(rows, axis: 0)
        }
        let rows = Rows(count, length, from: start, stride: stride, of: tensor.count)
        return function.slice(window(rows, tensor), axis: 1, rows.phase..<rows.phase + length)
    }

    /// Puts rows where blocks of a tensor are.
    fileprivate func write(_ blocks: Value, from start: Int, stride: Int, to tensor: Tensor, accumulate: Bool) {
        let (count, length) = (blocks.shape[0], blocks.shape[1])
        if count == 1 || stride == length {
            return write(blocks, to: tensor.part(start, count * length, blocks.shape), accumulate: accumulate)
        }
        guard stride > length else {
            for row in 0..<count {
                let block = function.slice(blocks, axis: 0, row..<row + 1)
                write(block, to: tensor.part(start + row * stride, length, [1, length]), accumulate: accumulate)
            }
            return
        }
        let rows = Rows(count, length, from: start, stride: stride, of: tensor.count)
        let before = window(rows, tensor), columns = rows.phase..<rows.phase + length
        let sums = accumulate ? function.add(function.slice(before, axis: 1, columns), blocks) : blocks
        let after = function.concatenate(
            [
                function.slice(before, axis: 1, 0..<columns.lowerBound), sums,
                function.slice(before, axis: 1, columns.upperBound..<stride),
            ], axis: 1)
        let flat = function.reshape(after, [count * stride])
        write(function.slice(flat, axis: 0, 0..<rows.available), to: tensor.part(rows.first, rows.available))
    }

    /// The rows that blocks lie in, the last one filled up.
    private func window(_ rows: Rows, _ tensor: Tensor) -> Value {
        let elements = read(tensor.part(rows.first, rows.available))
        let zero = function.constant(bits: 0, elements.element)
        let whole = function.pad(elements, with: zero, low: [0], high: [rows.count * rows.stride - rows.available])
        return function.reshape(whole, [rows.count, rows.stride])
    }
}

/// A matrix around blocks of a tensor.
private struct Rows {
    let count: Int
    let stride: Int
    /// The element that the first row begins with.
    let first: Int
    /// The column that blocks begin with.
    let phase: Int
    /// Elements of the rows that the tensor has.
    let available: Int

    init(_ count: Int, _ length: Int, from start: Int, stride: Int, of total: Int) {
        (self.count, self.stride) = (count, stride)
        // Rows may begin earlier, so that the last is whole.
        phase = min(max(0, start + count * stride - total), stride - length, start)
        first = start - phase
        available = min(count * stride, total - first)
    }
}

extension Tensor {
    /// Some elements in a shape.
    func part(_ start: Int, _ count: Int, _ shape: [Int]? = nil) -> Tensor {
        let part = range(start, count)
        return shape.map { part.reshaped($0) } ?? part
    }
}
