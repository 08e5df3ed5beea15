import StableHLO
import Tensor

/// Attention of a few queries to many tokens.
extension RecordingBackend {
    public func crossAttention(_ queries: Tensor, keys: [Tensor], heads: Int, into out: Tensor) {
        let sizes = CrossAttentionSizes(queries, keys: keys, heads: heads, into: out)
        record { r in
            let tokens = r.tokens(of: keys, sizes)
            let p = r.probabilities(r.part(0, of: r.tokens(of: [queries], sizes)), r.part(1, of: tokens), sizes)
            // [B, H, Q, S] times [B, H, S, D]
            let sums = r.function.dot(p, r.part(2, of: tokens), .rows, to: .f32)
            r.write(r.function.transpose(sums, [0, 2, 1, 3]), to: out)
        }
    }

    public func crossAttentionBackward(
        _ dout: Tensor, queries: Tensor, keys: [Tensor], heads: Int, into dqueries: Tensor, _ dkeys: [Tensor]
    ) {
        let sizes = CrossAttentionSizes(queries, keys: keys, heads: heads, dout: dout, into: dqueries, dkeys)
        record { r in
            let tokens = r.tokens(of: keys, sizes)
            let q = r.part(0, of: r.tokens(of: [queries], sizes)), k = r.part(1, of: tokens)
            let p = r.probabilities(q, k, sizes)
            let upstream = r.function.transpose(
                r.function.reshape(r.floats(dout), [sizes.batch, sizes.queryCount, heads, sizes.headWidth]),
                [0, 2, 1, 3])
            let dv = r.function.dot(p, upstream, .columns, to: .f32)
            let dp = r.function.dot(upstream, r.part(2, of: tokens), .across, to: .f32)
            let mean = r.function.sum(lastAxisOf: r.function.multiply(dp, p))
            let centred = r.function.subtract(dp, r.function.broadcast(allButLastAxis: mean, to: dp.shape))
            let ds = r.function.multiply(r.function.multiply(p, centred), by: Double(sizes.scale))
            let dq = r.function.dot(ds, k, .rows, to: .f32)
            let dk = r.function.dot(ds, q, .columns, to: .f32)
            let noQueries = r.function.constant(0, .f32, dk.shape), noKeys = r.function.constant(0, .f32, dq.shape)
            r.write(r.sideBySide([dq, noKeys, noKeys]), to: dqueries)
            let gradient = r.sideBySide([noQueries, dk, dv])
            var first = 0
            for (target, length) in zip(dkeys, sizes.lengths) {
                r.write(r.function.slice(gradient, axis: 1, first..<first + length), to: target)
                first += length
            }
        }
    }
}

extension DotAxes {
    /// For each head, a times b.
    fileprivate static let rows = DotAxes(batch: ([0, 1], [0, 1]), contracted: ([3], [2]))
    /// For each head, a transposed times b.
    fileprivate static let columns = DotAxes(batch: ([0, 1], [0, 1]), contracted: ([2], [2]))
    /// For each head, a times b transposed.
    fileprivate static let across = DotAxes(batch: ([0, 1], [0, 1]), contracted: ([3], [3]))
}

extension Recording {
    /// Tokens of all tensors behind each other, `[B, S, 3, H, D]`.
    fileprivate func tokens(of tensors: [Tensor], _ sizes: CrossAttentionSizes) -> Value {
        let parts = tensors.map {
            function.reshape(floats($0), [sizes.batch, $0.shape[1], 3, sizes.heads, sizes.headWidth])
        }
        return function.concatenate(parts, axis: 1)
    }

    /// q, k or v of tokens, `[B, H, S, D]`.
    fileprivate func part(_ number: Int, of tokens: Value) -> Value {
        let one = function.slice(tokens, axis: 2, number..<number + 1)
        let shape = [tokens.shape[0], tokens.shape[1], tokens.shape[3], tokens.shape[4]]
        return function.transpose(function.reshape(one, shape), [0, 2, 1, 3])
    }

    /// Softmax of scaled scores, `[B, H, Q, S]`.
    fileprivate func probabilities(_ q: Value, _ k: Value, _ sizes: CrossAttentionSizes) -> Value {
        let scores = function.multiply(function.dot(q, k, .across, to: .f32), by: Double(sizes.scale))
        let largest = function.reduce(scores, .maximum, axes: [3])
        let powers = function.unary(
            .exponential,
            function.subtract(scores, function.broadcast(allButLastAxis: largest, to: scores.shape)))
        let sums = function.sum(lastAxisOf: powers)
        return function.divide(powers, function.broadcast(allButLastAxis: sums, to: scores.shape))
    }

    /// Three parts `[B, H, S, D]` as they lie in memory, `[B, S, 3, H, D]`.
    fileprivate func sideBySide(_ parts: [Value]) -> Value {
        let lines = parts.map { part -> Value in
            let moved = function.transpose(part, [0, 2, 1, 3])
            return function.reshape(moved, [moved.shape[0], moved.shape[1], 1, moved.shape[2], moved.shape[3]])
        }
        return function.concatenate(lines, axis: 2)
    }
}
