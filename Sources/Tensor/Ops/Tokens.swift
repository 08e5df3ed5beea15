/// Operations on token axes: tensors are seen as `[rows, tokens, width]`, `rows` being all leading axes.
extension Tape {
    /// Tokens `range` of the last-but-one axis: `[..., S, E]` to `[..., range.count, E]`. Gradient: zero elsewhere.
    public func tokens(_ x: Tensor, _ range: Range<Int>) -> Tensor {
        let (rows, count, width) = x.tokenAxes
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "tokens \(range) of \(x.shape)")
        let out = backend.empty(x.shape.dropLast(2) + [range.count, width])
        let plan = BlockCopy(
            blocks: rows, length: range.count * width, source: range.lowerBound * width, sourceStride: count * width,
            targetStride: range.count * width)
        backend.copy(plan, from: x, to: out, accumulate: false)
        return record(out, from: [x]) { [self] gradient in
            withGradient(of: x) { buffer, accumulates in
                if !accumulates { backend.fill(buffer, with: 0) }
                backend.copy(plan.reversed, from: gradient, to: buffer, accumulate: true)
            }
        }
    }

    /// Frame `index` of `[B, T, S, E]` as `[B, 1, S, E]`. Gradient: zero in the other frames.
    public func frame(_ x: Tensor, _ index: Int) -> Tensor {
        precondition(x.shape.count == 4, "frames of \(x.shape)")
        let (batch, frames, count, width) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
        let flat = x.reshaped([batch, frames, count * width])
        return tokens(flat, index..<index + 1).reshaped([batch, 1, count, width])
    }

    /// `a` `[..., Sa, E]` in front of `b` `[..., Sb, E]`: `[..., Sa + Sb, E]`. Gradient: split again.
    public func concatenateTokens(_ a: Tensor, _ b: Tensor) -> Tensor {
        let (rows, countA, width) = a.tokenAxes, (rowsB, countB, widthB) = b.tokenAxes
        precondition(rows == rowsB && width == widthB, "tokens \(a.shape) in front of \(b.shape)")
        let total = (countA + countB) * width
        let out = backend.empty(a.shape.dropLast(2) + [countA + countB, width])
        let planA = BlockCopy(
            blocks: rows, length: countA * width, sourceStride: countA * width, targetStride: total)
        let planB = BlockCopy(
            blocks: rows, length: countB * width, sourceStride: countB * width, target: countA * width,
            targetStride: total)
        backend.copy(planA, from: a, to: out, accumulate: false)
        backend.copy(planB, from: b, to: out, accumulate: false)
        return record(out, from: [a, b]) { [self] gradient in
            for (input, plan) in [(a, planA), (b, planB)] {
                withGradient(of: input) { buffer, accumulates in
                    backend.copy(plan.reversed, from: gradient, to: buffer, accumulate: accumulates)
                }
            }
        }
    }

    /// The same learned tokens in front of every row: `prefix` `[.., n, E]` (one row), `x` `[..., S, E]` to `[..., n
    /// + S, E]`. Gradient of the prefix: the sum over rows.
    public func prepend(_ prefix: Parameter, to x: Tensor) -> Tensor {
        let (rows, count, width) = x.tokenAxes
        let length = prefix.count / width
        precondition(prefix.count == length * width, "prefix \(prefix.shape) for \(x.shape)")
        let total = (length + count) * width
        let out = backend.empty(x.shape.dropLast(2) + [length + count, width])
        let repeated = BlockCopy(blocks: rows, length: prefix.count, sourceStride: 0, targetStride: total)
        let rest = BlockCopy(
            blocks: rows, length: count * width, sourceStride: count * width, target: prefix.count, targetStride: total)
        backend.copy(repeated, from: prefix.value, to: out, accumulate: false)
        backend.copy(rest, from: x, to: out, accumulate: false)
        return record(out, from: [x], training: [prefix]) { [self] gradient in
            if let prefixGradient = prefix.gradient {
                let own = backend.empty([rows, prefix.count])
                let plan = BlockCopy(
                    blocks: rows, length: prefix.count, sourceStride: total, targetStride: prefix.count)
                backend.copy(plan, from: gradient, to: own, accumulate: false)
                backend.addColumnSums(of: own, to: prefixGradient)
            }
            withGradient(of: x) { buffer, accumulates in
                backend.copy(rest.reversed, from: gradient, to: buffer, accumulate: accumulates)
            }
        }
    }

    /// `x + table`, `table` `[S, E]` repeating over the leading axes. Gradient: unchanged; of the table the sum over them.
    public func add(_ x: Tensor, repeating table: Tensor) -> Tensor {
        let out = backend.empty(x.shape)
        backend.add(x, table, into: out)
        return record(out, from: [x, table]) { [self] gradient in
            if table.isTracked {
                let sums = backend.zeros(table.shape)
                backend.addColumnSums(of: gradient, to: sums)
                accumulate(sums, into: table)
            }
            accumulate(gradient, into: x)
        }
    }
}

extension Tensor {
    var tokenAxes: (rows: Int, tokens: Int, width: Int) {
        precondition(shape.count >= 2, "tokens need two axes, got \(shape)")
        let (tokens, width) = (shape[shape.count - 2], shape[shape.count - 1])
        return (shape.dropLast(2).reduce(1, *), tokens, width)
    }
}

extension BlockCopy {
    /// The copy back.
    var reversed: BlockCopy {
        BlockCopy(
            blocks: blocks, length: length, source: target, sourceStride: targetStride, target: source,
            targetStride: sourceStride)
    }
}
