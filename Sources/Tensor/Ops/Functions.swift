/// Functions of elements and of rows, of which bottlenecks and losses are composed. All of it is f32 on every tape.
extension Tape {
    /// A parameter as a tensor that operations take. Gradient: added to the parameter's.
    public func value(of parameter: Parameter) -> Tensor {
        record(parameter.value.detached, from: [], training: [parameter]) { [self] gradient in
            if let sum = parameter.gradient { backend.add(sum, gradient, into: sum) }
        }
    }

    /// `f(x)` of each element. `dx = dy f'(x)`.
    public func apply(_ function: ElementFunction, _ x: Tensor) -> Tensor {
        let out = backend.empty(x.shape)
        backend.apply(function, to: x, into: out)
        let (input, result) = (x.detached, out)
        return record(out, from: [x]) { [self] gradient in
            withGradient(of: x.slot) { buffer, accumulates in
                backend.applyBackward(
                    function, gradient, x: input, y: result, into: buffer, accumulate: accumulates)
            }
        }
    }

    /// `factor * x + offset`.
    public func affine(_ x: Tensor, _ factor: Float, offset: Float = 0) -> Tensor {
        apply(.affine(factor: factor, offset: offset), x)
    }

    /// `a + b` of equal counts, in the shape of `a`. `da = db = dy`.
    public func sum(_ a: Tensor, _ b: Tensor) -> Tensor {
        precondition(a.count == b.count, "\(a.shape) + \(b.shape)")
        let out = backend.empty(a.shape)
        backend.add(a, b, into: out)
        return record(out, from: [a, b]) { [self] gradient in
            accumulate(gradient, into: a)
            accumulate(gradient, into: b)
        }
    }

    /// `a - b`.
    public func difference(_ a: Tensor, _ b: Tensor) -> Tensor { sum(a, affine(b, -1)) }

    /// `a * b` of equal counts, in the shape of `a`. `da = dy b`, `db = dy a`.
    public func product(_ a: Tensor, _ b: Tensor) -> Tensor {
        precondition(a.count == b.count, "\(a.shape) * \(b.shape)")
        let out = backend.empty(a.shape)
        backend.multiply(a, b, into: out)
        return record(out, from: [a, b]) { [self] gradient in
            for (input, other) in [(a, b.detached), (b, a.detached)] where input.isTracked {
                let own = backend.empty(input.shape)
                backend.multiply(gradient, other, into: own)
                accumulate(own, into: input)
            }
        }
    }

    /// Rows of `x` `[M, ...]` times one number each of `factors` `[M]`. `dx = dy factors`, `dfactors` the products of the
    /// rows of `dy` and `x`.
    public func scaleRows(_ x: Tensor, by factors: Tensor) -> Tensor {
        let out = backend.empty(x.shape)
        backend.scaleRows(x, by: factors, into: out, accumulate: false)
        let (rows, scales) = (x.detached, factors.detached)
        return record(out, from: [x, factors]) { [self] gradient in
            withGradient(of: x) { buffer, accumulates in
                backend.scaleRows(gradient, by: scales, into: buffer, accumulate: accumulates)
            }
            guard factors.isTracked else { return }
            let own = backend.empty(factors.shape)
            backend.rowProducts(gradient, rows, into: own)
            accumulate(own, into: factors)
        }
    }

    /// The inner products of rows of `a` and `b`, viewed as `[rows, width]`: `[rows]`. `da = dy b`, `db = dy a`, row by row.
    public func rowProducts(_ a: Tensor, _ b: Tensor, rows: Int) -> Tensor {
        precondition(a.count == b.count && rows > 0, "products of \(rows) rows of \(a.shape) and \(b.shape)")
        let out = backend.empty([rows])
        backend.rowProducts(a, b, into: out)
        let (x, y) = (a.detached, b.detached)
        return record(out, from: [a, b]) { [self] gradient in
            for (input, other) in [(a, y), (b, x)] {
                withGradient(of: input) { buffer, accumulates in
                    backend.scaleRows(other, by: gradient, into: buffer, accumulate: accumulates)
                }
            }
        }
    }

    /// The mean of all elements, a scalar.
    public func mean(_ x: Tensor) -> Tensor {
        let weights = backend.empty(x.shape)
        backend.fill(weights, with: 1 / Float(x.count))
        return rowProducts(x, weights, rows: 1).reshaped([])
    }

    /// The means over the rows of `x` `[M, N]`: `[N]`. `dx = dy / M` in every row.
    public func columnMeans(_ x: Tensor) -> Tensor {
        let width = x.shape.last ?? 1
        let rows = x.count / width
        let sums = backend.zeros([width])
        backend.addColumnSums(of: x, to: sums)
        let out = backend.empty([width])
        let scale = ElementFunction.affine(factor: 1 / Float(rows), offset: 0)
        backend.apply(scale, to: sums, into: out)
        return record(out, from: [x]) { [self] gradient in
            withGradient(of: x) { buffer, accumulates in
                let share = backend.empty([width])
                backend.apply(scale, to: gradient, into: share)
                if !accumulates { backend.fill(buffer, with: 0) }
                backend.add(buffer, share, into: buffer)
            }
        }
    }

    /// `e^x` over the sum of its row, for rows of the last axis. `dx = y (dy - sum dy y)`.
    public func softmax(_ x: Tensor) -> Tensor {
        let out = backend.empty(x.shape)
        backend.softmax(x, into: out)
        let result = out
        return record(out, from: [x]) { [self] gradient in
            withGradient(of: x) { buffer, accumulates in
                backend.softmaxBackward(gradient, y: result, into: buffer, accumulate: accumulates)
            }
        }
    }

    /// `x w^T` for `x` `[..., K]` and `w` `[N, K]`, in f32 on every tape: `[..., N]`. `dx = dy w`, `dw = dy^T x`.
    public func crossProduct(_ x: Tensor, _ w: Tensor) -> Tensor {
        precondition(w.shape.count == 2 && x.shape.last == w.shape[1], "\(x.shape) times \(w.shape) transposed")
        let out = backend.empty(x.shape.dropLast() + [w.shape[0]])
        backend.linear(x, weight: w.detached, bias: nil, epilogue: .none, into: out)
        let (input, weight) = (x.detached, w.detached)
        return record(out, from: [x, w]) { [self] gradient in
            let sum = w.isTracked ? backend.zeros(w.shape) : nil
            writeGradient(of: x.slot) { buffer, accumulates in
                backend.linearBackward(
                    gradient, x: { input }, weight: weight, gradients: LinearGradients(weight: sum, bias: nil),
                    into: buffer, accumulate: accumulates)
            }
            if let sum { accumulate(sum, into: w) }
        }
    }

    /// Rows `indices` of `table` `[K, L]`: `[..., L]`. Gradient: added to those rows.
    public func rows(_ indices: Tensor, of table: Tensor) -> Tensor {
        let out = backend.empty(indices.shape + [table.shape[1]])
        backend.gatherRows(table.detached, indices: indices, into: out)
        return record(out, from: [table]) { [self] gradient in
            withGradient(of: table) { buffer, accumulates in
                if !accumulates { backend.fill(buffer, with: 0) }
                backend.scatterAddRows(gradient, indices: indices, to: buffer)
            }
        }
    }

    /// The lengths of the rows of the last axis: `[M]`.
    public func lengths(_ x: Tensor) -> Tensor {
        apply(.squareRoot, rowProducts(x, x, rows: x.count / (x.shape.last ?? 1)))
    }

    /// Rows of the last axis divided by their lengths, which count as at least `floor`.
    public func unitRows(_ x: Tensor, floor: Float = 1e-12) -> Tensor {
        let length = apply(.clamp(low: floor, high: .infinity), lengths(x))
        return scaleRows(x, by: apply(.reciprocal, length))
    }
}
