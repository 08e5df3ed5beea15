import Kernels

/// Element-wise work, copies and reductions.
extension CPUBackend {
    /// Elements per task: 64 KiB of f32, a good part of the first-level cache and some microseconds of work.
    static let grain = 1 << 14

    public func fill(_ tensor: Tensor, with value: Float) {
        let target = pointer(tensor)
        split(tensor.count, grain: Self.grain * 4) { (target + $0).update(repeating: value, count: $1) }
    }

    /// Rounds to bf16 and, in the same pass, adds the sums over the rows of `x` viewed as `[rows, sums.count]`.
    func cast(_ x: Tensor, into out: Tensor, addingColumnSumsTo sums: Tensor) {
        let columns = sums.count
        precondition(
            x.count == out.count && columns > 0 && x.count % columns == 0,
            "cast of \(x.shape) into \(out.shape), column sums into \(sums.shape)")
        let source = pointer(x), target = halfPointer(out)
        sumPieces(of: x.count / columns, columns, to: sums) { start, count, sums in
            kernels.half_from_float_with_sums(
                source + start * columns, count, columns, columns, target + start * columns, sums)
        }
    }

    public func cast(_ x: Tensor, into out: Tensor) {
        precondition(x.count == out.count, "cast of \(x.shape) into \(out.shape)")
        if out.dtype == .bf16 {
            let source = pointer(x), target = halfPointer(out)
            split(x.count, grain: Self.grain) { kernels.half_from_float(source + $0, target + $0, $1) }
        } else {
            let source = halfPointer(x), target = pointer(out)
            split(x.count, grain: Self.grain) { kernels.half_to_float(source + $0, target + $0, $1) }
        }
    }

    public func copy(_ plan: BlockCopy, from source: Tensor, to target: Tensor, accumulate: Bool) {
        precondition(source.dtype == target.dtype, "copy from \(source.dtype) to \(target.dtype)")
        guard plan.blocks > 0, plan.length > 0 else { return }
        precondition(
            plan.source + (plan.blocks - 1) * plan.sourceStride + plan.length <= source.count
                && plan.target + (plan.blocks - 1) * plan.targetStride + plan.length <= target.count,
            "copy \(plan) from \(source.shape) to \(target.shape)")
        let size = source.dtype.byteSize
        let from = rawPointer(source) + plan.source * size, to = rawPointer(target) + plan.target * size
        split(plan.blocks, grain: max(1, Self.grain / plan.length)) { start, count in
            for block in start..<start + count {
                let line = to + block * plan.targetStride * size, data = from + block * plan.sourceStride * size
                if accumulate {
                    let sum = line.assumingMemoryBound(to: Float.self)
                    kernels.add(sum, data.assumingMemoryBound(to: Float.self), sum, plan.length)
                } else {
                    line.copyMemory(from: data, byteCount: plan.length * size)
                }
            }
        }
    }

    public func add(_ a: Tensor, _ b: Tensor, into out: Tensor) {
        precondition(
            a.count == out.count && b.count > 0 && a.count % b.count == 0, "\(a.shape) + \(b.shape) into \(out.shape)")
        let x = pointer(a), y = pointer(b), sum = pointer(out)
        if a.count == b.count {
            split(a.count, grain: Self.grain) { kernels.add(x + $0, y + $0, sum + $0, $1) }
        } else {
            let period = b.count
            split(a.count / period, grain: max(1, Self.grain / period)) { start, count in
                for row in start..<start + count {
                    kernels.add(x + row * period, y, sum + row * period, period)
                }
            }
        }
    }

    public func multiply(_ a: Tensor, _ b: Tensor, into out: Tensor) {
        precondition(a.count == b.count && a.count == out.count, "\(a.shape) * \(b.shape) into \(out.shape)")
        if a.dtype == .bf16 {
            let x = halfPointer(a), y = halfPointer(b), product = halfPointer(out)
            return split(a.count, grain: Self.grain) { kernels.half_multiply(x + $0, y + $0, product + $0, $1) }
        }
        let x = pointer(a), y = pointer(b), product = pointer(out)
        split(a.count, grain: Self.grain) { kernels.multiply(x + $0, y + $0, product + $0, $1) }
    }

    public func addColumnSums(of x: Tensor, to out: Tensor) {
        let columns = out.count
        precondition(columns > 0 && x.count % columns == 0, "column sums of \(x.shape) into \(out.shape)")
        let sums = pointer(out)
        if x.dtype == .bf16 {
            let source = halfPointer(x)
            return sumPieces(of: x.count / columns, columns, to: out) { start, count, sums in
                kernels.half_column_sums(source + start * columns, count, columns, columns, sums)
            }
        }
        let source = pointer(x)
        // A strip of columns per task: every sum is made by one thread, in row order.
        split(columns, grain: 128) { start, count in
            kernels.column_sums(source + start, x.count / columns, count, columns, sums + start)
        }
    }

    /// Runs `body` over pieces of the rows, each of which makes sums of its own; they are added in order.
    private func sumPieces(
        of rows: Int, _ columns: Int, to out: Tensor,
        _ body: (_ start: Int, _ count: Int, _ sums: UnsafeMutablePointer<Float>) -> Void
    ) {
        let grain = max(16, Self.grain * 4 / columns)
        let pieces = (rows + grain - 1) / grain
        withScratch(pieces * columns) { sums in
            split(rows, grain: grain) { start, count in
                let own = sums + start / grain * columns
                own.update(repeating: 0, count: columns)
                body(start, count, own)
            }
            kernels.column_sums(sums, pieces, columns, columns, pointer(out))
        }
    }

    public func sumOfSquares(_ x: Tensor, into sum: Tensor) {
        let source = pointer(x)
        doublePointer(sum)[0] = sumOverPieces(x.count) { kernels.sum_of_squares(source + $0, $1) }
    }

    /// Adds the pieces' results in order.
    private func sumOverPieces(_ count: Int, _ body: (_ start: Int, _ count: Int) -> Double) -> Double {
        let grain = Self.grain * 4
        var partial = [Double](repeating: 0, count: (count + grain - 1) / grain)
        partial.withUnsafeMutableBufferPointer { partial in
            // SAFETY: each piece writes its own element.
            nonisolated(unsafe) let partial = partial
            split(count, grain: grain) { partial[$0 / grain] = body($0, $1) }
        }
        return partial.reduce(0, +)
    }

    public func meanSquaredError(_ a: Tensor, _ b: Tensor, into out: Tensor) {
        precondition(a.count == b.count, "mean squared error of \(a.shape) and \(b.shape)")
        let x = pointer(a), y = pointer(b)
        let total = sumOverPieces(a.count) { kernels.sum_of_squared_differences(x + $0, y + $0, $1) }
        pointer(out)[0] = Float(total / Double(a.count))
    }

    public func meanSquaredErrorBackward(
        _ a: Tensor, _ b: Tensor, scale: Tensor, sign: Float, into out: Tensor, accumulate: Bool
    ) {
        precondition(a.count == b.count && a.count == out.count, "\(a.shape) - \(b.shape) into \(out.shape)")
        let x = pointer(a), y = pointer(b), gradient = pointer(out)
        let factor = sign * pointer(scale)[0] * 2 / Float(a.count)
        split(a.count, grain: Self.grain) {
            kernels.scaled_difference(x + $0, y + $0, factor, gradient + $0, $1, accumulate ? 1 : 0)
        }
    }

    public func weightedSum(_ terms: [(tensor: Tensor, weight: Float)], into out: Tensor) {
        pointer(out)[0] = terms.reduce(0) { $0 + $1.weight * pointer($1.tensor)[0] }
    }

    public func scale(_ x: Tensor, by factor: Float, into out: Tensor) {
        precondition(x.count == 1 && out.count == 1, "a scalar of \(x.shape) into \(out.shape)")
        pointer(out)[0] = pointer(x)[0] * factor
    }
}
