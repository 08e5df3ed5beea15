import Foundation

/// Functions of elements, and what is done to rows by numbers of their own.
extension CPUBackend {
    public func apply(_ function: ElementFunction, to x: Tensor, into out: Tensor) {
        precondition(x.count == out.count, "\(function) of \(x.shape) into \(out.shape)")
        let source = pointer(x), target = pointer(out)
        func each(_ body: (Float) -> Float) {
            split(x.count, grain: Self.grain) { start, count in
                for place in start..<start + count { target[place] = body(source[place]) }
            }
        }
        switch function {
        case .exp: each { expf($0) }
        case .log: each { logf($0) }
        case .squareRoot: each { $0.squareRoot() }
        case .reciprocal: each { 1 / $0 }
        case .tanh: each { tanhf($0) }
        case .silu: each { $0 / (1 + expf(-$0)) }
        case .relu: each { $0 > 0 || $0.isNaN ? $0 : 0 }
        case .clamp(let low, let high): each { $0 < low ? low : $0 > high ? high : $0 }
        case .affine(let factor, let offset): each { factor * $0 + offset }
        case .absolute: each { abs($0) }
        case .smoothAbsolute(let beta):
            each { abs($0) < beta ? $0 * $0 / (2 * beta) : abs($0) - beta / 2 }
        }
    }

    public func applyBackward(
        _ function: ElementFunction, _ dy: Tensor, x: Tensor, y: Tensor, into dx: Tensor, accumulate: Bool
    ) {
        precondition(
            dy.count == x.count && y.count == x.count && dx.count == x.count,
            "gradient \(dy.shape) of \(function) of \(x.shape) into \(dx.shape)")
        let gradient = pointer(dy), input = pointer(x), output = pointer(y), target = pointer(dx)
        /// `slope(x, f(x))`.
        func each(_ slope: (Float, Float) -> Float) {
            split(x.count, grain: Self.grain) { start, count in
                for place in start..<start + count {
                    let value = gradient[place] * slope(input[place], output[place])
                    target[place] = accumulate ? target[place] + value : value
                }
            }
        }
        switch function {
        case .exp: each { _, y in y }
        case .log: each { x, _ in 1 / x }
        case .squareRoot: each { _, y in y > 0 ? 0.5 / y : 0 }
        case .reciprocal: each { _, y in -y * y }
        case .tanh: each { _, y in 1 - y * y }
        case .silu:
            each { x, y in
                let sigmoid = 1 / (1 + expf(-x))
                return sigmoid + y * (1 - sigmoid)
            }
        case .relu: each { x, _ in x > 0 ? 1 : 0 }
        case .clamp(let low, let high): each { x, _ in low <= x && x <= high ? 1 : 0 }
        case .affine(let factor, _): each { _, _ in factor }
        case .absolute: each { x, _ in x > 0 ? 1 : x < 0 ? -1 : 0 }
        case .smoothAbsolute(let beta): each { x, _ in abs(x) < beta ? x / beta : x > 0 ? 1 : -1 }
        }
    }

    public func scaleRows(_ x: Tensor, by factors: Tensor, into out: Tensor, accumulate: Bool) {
        let rows = factors.count
        precondition(
            x.count == out.count && rows > 0 && x.count % rows == 0,
            "rows of \(x.shape) times \(factors.shape) into \(out.shape)")
        let width = x.count / rows
        let source = pointer(x), factor = pointer(factors), target = pointer(out)
        forEachRow(rows, width: width) { row, places in
            let scale = factor[row]
            for place in places {
                let value = source[place] * scale
                target[place] = accumulate ? target[place] + value : value
            }
        }
    }

    public func rowProducts(_ a: Tensor, _ b: Tensor, into out: Tensor) {
        let rows = out.count
        precondition(
            a.count == b.count && rows > 0 && a.count % rows == 0,
            "products of the rows of \(a.shape) and \(b.shape) into \(out.shape)")
        let width = a.count / rows
        let x = pointer(a), y = pointer(b), sums = pointer(out)
        forEachRow(rows, width: width) { row, places in
            var sum = 0.0
            for place in places { sum += Double(x[place]) * Double(y[place]) }
            sums[row] = Float(sum)
        }
    }

    /// Runs `body` with each row and the places of its elements, rows beside each other.
    private func forEachRow(_ rows: Int, width: Int, _ body: (_ row: Int, _ places: Range<Int>) -> Void) {
        split(rows, grain: max(1, Self.grain / max(1, width))) { start, count in
            for row in start..<start + count { body(row, row * width..<(row + 1) * width) }
        }
    }

    public func softmax(_ x: Tensor, into out: Tensor) {
        let width = x.shape.last ?? 1
        precondition(x.count == out.count && width > 0, "softmax of \(x.shape) into \(out.shape)")
        let source = pointer(x), target = pointer(out)
        forEachRow(x.count / width, width: width) { _, places in
            let largest = UnsafeBufferPointer(start: source, count: places.upperBound)[places].reduce(-.infinity, max)
            var sum: Float = 0
            for place in places {
                let exponential = expf(source[place] - largest)
                target[place] = exponential
                sum += exponential
            }
            for place in places { target[place] /= sum }
        }
    }

    public func softmaxBackward(_ dy: Tensor, y: Tensor, into dx: Tensor, accumulate: Bool) {
        let width = y.shape.last ?? 1
        precondition(
            dy.count == y.count && dx.count == y.count && width > 0,
            "gradient \(dy.shape) of the softmax \(y.shape) into \(dx.shape)")
        let gradient = pointer(dy), output = pointer(y), target = pointer(dx)
        forEachRow(y.count / width, width: width) { _, places in
            var mean: Float = 0
            for place in places { mean += gradient[place] * output[place] }
            for place in places {
                let value = output[place] * (gradient[place] - mean)
                target[place] = accumulate ? target[place] + value : value
            }
        }
    }
}
