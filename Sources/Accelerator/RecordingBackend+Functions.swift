import StableHLO
import Tensor

/// Functions of elements, what is done to rows by numbers of their own, and finite scalar quantisation.
extension RecordingBackend {
    public func apply(_ function: ElementFunction, to x: Tensor, into out: Tensor) {
        precondition(x.count == out.count, "\(function) of \(x.shape) into \(out.shape)")
        record { $0.write($0.function.apply(function, to: $0.floats(x)), to: out) }
    }

    public func applyBackward(
        _ function: ElementFunction, _ dy: Tensor, x: Tensor, y: Tensor, into dx: Tensor, accumulate: Bool
    ) {
        precondition(
            dy.count == x.count && y.count == x.count && dx.count == x.count,
            "gradient \(dy.shape) of \(function) of \(x.shape) into \(dx.shape)")
        record { r in
            let input = r.flat(x)
            let slope = r.function.slope(of: function, input, r.flat(y))
            r.write(r.function.multiply(r.flat(dy), slope), to: dx, accumulate: accumulate)
        }
    }

    public func scaleRows(_ x: Tensor, by factors: Tensor, into out: Tensor, accumulate: Bool) {
        let rows = factors.count
        precondition(
            x.count == out.count && rows > 0 && x.count % rows == 0,
            "rows of \(x.shape) times \(factors.shape) into \(out.shape)")
        record { r in
            let lines = r.function.reshape(r.floats(x), [rows, x.count / rows])
            let scales = r.function.broadcast(allButLastAxis: r.flat(factors), to: lines.shape)
            r.write(r.function.multiply(lines, scales), to: out, accumulate: accumulate)
        }
    }

    public func rowProducts(_ a: Tensor, _ b: Tensor, into out: Tensor) {
        let rows = out.count
        precondition(
            a.count == b.count && rows > 0 && a.count % rows == 0,
            "products of the rows of \(a.shape) and \(b.shape) into \(out.shape)")
        record { r in
            let shape = [rows, a.count / rows]
            let left = r.function.convert(r.function.reshape(r.floats(a), shape), to: .f64)
            let right = r.function.convert(r.function.reshape(r.floats(b), shape), to: .f64)
            let sums = r.function.sum(lastAxisOf: r.function.multiply(left, right))
            r.write(r.function.convert(sums, to: .f32), to: out)
        }
    }

    public func softmax(_ x: Tensor, into out: Tensor) {
        let width = x.shape.last ?? 1
        precondition(x.count == out.count && width > 0, "softmax of \(x.shape) into \(out.shape)")
        record { r in
            let rows = r.function.reshape(r.floats(x), [x.count / width, width])
            let largest = r.function.reduce(rows, .maximum, axes: [1])
            let below = r.function.subtract(rows, r.function.broadcast(allButLastAxis: largest, to: rows.shape))
            let powers = r.function.unary(.exponential, below)
            let sums = r.function.sum(lastAxisOf: powers)
            r.write(r.function.divide(powers, r.function.broadcast(allButLastAxis: sums, to: rows.shape)), to: out)
        }
    }

    public func softmaxBackward(_ dy: Tensor, y: Tensor, into dx: Tensor, accumulate: Bool) {
        let width = y.shape.last ?? 1
        precondition(
            dy.count == y.count && dx.count == y.count && width > 0,
            "gradient \(dy.shape) of the softmax \(y.shape) into \(dx.shape)")
        record { r in
            let shape = [y.count / width, width]
            let probabilities = r.function.reshape(r.floats(y), shape)
            let upstream = r.function.reshape(r.floats(dy), shape)
            let mean = r.function.sum(lastAxisOf: r.function.multiply(upstream, probabilities))
            let centred = r.function.subtract(upstream, r.function.broadcast(allButLastAxis: mean, to: shape))
            r.write(r.function.multiply(probabilities, centred), to: dx, accumulate: accumulate)
        }
    }

    public func scalarCodes(_ x: Tensor, _ levels: ScalarLevels, into codes: Tensor, indices: Tensor) {
        let channels = levels.channels
        precondition(
            x.count == codes.count && x.count == indices.count * channels,
            "codes of \(channels) channels for \(x.shape) into \(codes.shape), indices into \(indices.shape)")
        record { r in
            let rows = r.function.reshape(r.floats(x), [indices.count, channels])
            let moved = r.function.add(rows, r.function.line(levels.shift, of: rows))
            let bounded = r.function.subtract(
                r.function.multiply(r.function.unary(.tanh, moved), r.function.line(levels.half, of: rows)),
                r.function.line(levels.offset, of: rows))
            let rounded = r.function.unary(.round, bounded)
            let halves = levels.levels.map { Float($0 / 2) }
            r.write(r.function.divide(rounded, r.function.line(halves, of: rows)), to: codes)
            // What is no number has no code; the loss, which is none either, ends the run.
            let isNumber = r.function.compare(bounded, .equal, bounded)
            let digits = r.function.convert(
                r.function.select(isNumber, rounded, r.function.constant(0, .f32, rows.shape)), to: .i32)
            var basis = 1
            var sum = r.function.constant(0, .i32, [indices.count])
            for (channel, count) in levels.levels.enumerated() {
                let digit = r.function.reshape(
                    r.function.slice(digits, axis: 1, channel..<channel + 1), [indices.count])
                let place = r.function.multiply(r.function.add(digit, number: Double(count / 2)), by: Double(basis))
                sum = r.function.add(sum, place)
                basis *= count
            }
            r.write(sum, to: indices)
        }
    }

    public func scalarCodesBackward(
        _ dy: Tensor, x: Tensor, _ levels: ScalarLevels, into dx: Tensor, accumulate: Bool
    ) {
        let channels = levels.channels
        precondition(
            dy.count == x.count && dx.count == x.count && x.count % channels == 0,
            "gradient \(dy.shape) of codes of \(x.shape) into \(dx.shape)")
        record { r in
            let rows = r.function.reshape(r.floats(x), [x.count / channels, channels])
            let bounded = r.function.unary(.tanh, r.function.add(rows, r.function.line(levels.shift, of: rows)))
            let one = r.function.constant(1, .f32, rows.shape)
            let slope = r.function.subtract(one, r.function.multiply(bounded, bounded))
            let steps = zip(levels.half, levels.levels).map { $0 / Float($1 / 2) }
            let upstream = r.function.reshape(r.floats(dy), rows.shape)
            let gradient = r.function.multiply(
                r.function.multiply(upstream, slope), r.function.line(steps, of: rows))
            r.write(gradient, to: dx, accumulate: accumulate)
        }
    }
}

extension Recording {
    /// The numbers of a tensor as a vector.
    fileprivate func flat(_ tensor: Tensor) -> Value { function.reshape(floats(tensor), [tensor.count]) }
}

extension Function {
    /// A few numbers, repeated along the rows of a matrix.
    fileprivate mutating func line(_ numbers: [Float], of matrix: Value) -> Value {
        let line = vector(numbers)
        return broadcast(lastAxis: line, to: matrix.shape)
    }
}
