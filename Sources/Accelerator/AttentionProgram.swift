import StableHLO
import Tensor

// Axes: O outer, I inner sequences, H heads, Q queries, K keys, D elements of a head.

/// How attention is written: operands `[O, I, H, Q, D]`, scores `[O, I, H, Q, K]`, whatever the order of tokens in memory.
struct AttentionProgram {
    private let layout: AttentionLayout
    /// Elements of a token's q, k or v.
    let width: Int
    let scale: Float
    private let precision: Precision
    /// Axes O, I and the token's, in the order in which they lie in memory.
    private let order: [Int]

    /// What a product is summed over.
    enum Summed {
        case keys, queries, elements
    }

    /// Sequences up to this length are made of sums of products, without matrices: so small ones keep no matrix unit busy.
    private static let shortLength = 4

    init(_ layout: AttentionLayout, _ qkv: Tensor, _ precision: Precision) {
        let width = qkv.count / (3 * max(1, layout.tokenCount))
        precondition(
            qkv.count == layout.tokenCount * 3 * width && width % layout.heads == 0,
            "attention over \(layout) of \(qkv.shape)")
        (self.layout, self.width, self.precision) = (layout, width, precision)
        scale = layout.scale ?? 1 / Float(width / layout.heads).squareRoot()
        let axes: [(count: Int, stride: Int)] = [
            (layout.outerCount, layout.outerStride), (layout.innerCount, layout.innerStride),
            (layout.length, layout.tokenStride),
        ]
        // An axis of one element may lie anywhere; of the others the fastest is the last.
        let strides = axes.map { $0.count == 1 ? Int.max : $0.stride }
        order = axes.indices.sorted { (strides[$1], $0) < (strides[$0], $1) }
        var distance = 1
        for axis in order.reversed() where axes[axis].count > 1 {
            precondition(axes[axis].stride == distance, "attention over tokens with gaps: \(layout)")
            distance *= axes[axis].count
        }
    }

    private var headDim: Int { width / layout.heads }
    private var extents: [Int] { [layout.outerCount, layout.innerCount, layout.length] }
    private var scoreShape: [Int] {
        [layout.outerCount, layout.innerCount, layout.heads, layout.length, layout.length]
    }

    /// q, k and v.
    ///
    /// - Parameter isolated: whether what is made of them shall be made again, where it was made before: probabilities take
    ///   more memory than they take time.
    func parts(of qkv: Tensor, isolated: Bool = false, in r: Recording) -> [Value] {
        let whole = r.read(qkv)
        return split(isolated ? r.function.barrier(whole) : whole, 3, r)
    }

    /// A tensor of one vector a token.
    func part(of tensor: Tensor, in r: Recording) -> Value { split(r.read(tensor), 1, r)[0] }

    private func split(_ value: Value, _ count: Int, _ r: Recording) -> [Value] {
        let shape = order.map { extents[$0] } + [count, layout.heads, headDim]
        let whole = r.function.reshape(value, shape)
        // Where O, I and the token's axis are.
        let places = (0..<3).map { axis in order.firstIndex(of: axis) ?? axis }
        return (0..<count).map { part in
            let one = r.function.slice(whole, axis: 3, part..<part + 1)
            let plain = r.function.reshape(one, Array(shape[..<3]) + [layout.heads, headDim])
            return r.function.transpose(plain, [places[0], places[1], 3, places[2], 4])
        }
    }

    /// The tokens in memory's order, with several vectors side by side.
    func tokens(_ parts: [Value], in r: Recording) -> Value {
        let placed = parts.map { part -> Value in
            // [O, I, H, Q, D] to memory's order, then heads and elements.
            let axes = order.map { [0, 1, 3][$0] } + [2, 4]
            let ordered = r.function.transpose(part, axes)
            return r.function.reshape(ordered, [layout.tokenCount, 1, width])
        }
        return r.function.concatenate(placed, axis: 1)
    }

    /// `softmax(q k^T scale + bias + mask)`, f32.
    func probabilities(_ parts: [Value], keyMask: Tensor?, bias: Tensor?, in r: Recording) -> Value {
        var scores = r.function.multiply(
            multiply(parts[0], parts[1], summing: .elements, in: r), by: Double(scale))
        if let bias {
            let square = r.function.reshape(r.floats(bias), Array(scoreShape[2...]))
            scores = r.function.add(scores, r.function.broadcast(square, to: scoreShape, axes: [2, 3, 4]))
        }
        if let keyMask {
            let rows = r.function.reshape(r.floats(keyMask), [layout.outerCount, layout.length])
            scores = r.function.add(scores, r.function.broadcast(rows, to: scoreShape, axes: [0, 4]))
        }
        if layout.isCausal {
            let queries = r.function.iota(.i32, scoreShape, axis: 3), keys = r.function.iota(.i32, scoreShape, axis: 4)
            let hidden = r.function.constant(-.infinity, .f32, scoreShape)
            scores = r.function.select(r.function.compare(keys, .lessOrEqual, queries), scores, hidden)
        }
        let peak = r.function.reduce(scores, .maximum, axes: [4])
        let powers = r.function.unary(
            .exponential, r.function.subtract(scores, r.function.broadcast(allButLastAxis: peak, to: scoreShape)))
        let sums = r.function.sum(lastAxisOf: powers)
        return r.function.divide(powers, r.function.broadcast(allButLastAxis: sums, to: scoreShape))
    }

    /// f32 sums of products of each head: `[Q, D] x [K, D]` over elements, `[Q, K] x [K, D]` over keys, `[Q, K] x [Q, D]`
    /// over queries.
    func multiply(_ a: Value, _ b: Value, summing axis: Summed, in r: Recording) -> Value {
        guard layout.length > Self.shortLength else { return sums(a, b, axis, r) }
        let (left, right) =
            switch axis {
            case .elements: (4, 4)
            case .keys: (4, 3)
            case .queries: (3, 3)
            }
        let axes = DotAxes(batch: ([0, 1, 2], [0, 1, 2]), contracted: ([left], [right]))
        return r.function.dot(a, b, axes, to: .f32, precision)
    }

    private func sums(_ a: Value, _ b: Value, _ axis: Summed, _ r: Recording) -> Value {
        let (x, y) = (r.function.convert(a, to: .f32), r.function.convert(b, to: .f32))
        // Both operands get the axes that they lack: [O, I, H, Q, K, D].
        let shape = scoreShape + [headDim]
        let (axesX, axesY) =
            switch axis {
            case .elements: ([0, 1, 2, 3, 5], [0, 1, 2, 4, 5])
            case .keys: ([0, 1, 2, 3, 4], [0, 1, 2, 4, 5])
            case .queries: ([0, 1, 2, 3, 4], [0, 1, 2, 3, 5])
            }
        let summed =
            switch axis {
            case .elements: 5
            case .keys: 4
            case .queries: 3
            }
        let products = r.function.multiply(
            r.function.broadcast(x, to: shape, axes: axesX), r.function.broadcast(y, to: shape, axes: axesY))
        return r.function.sum(products, axes: [summed])
    }
}
