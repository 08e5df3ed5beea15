import Foundation
import Tensor

extension BackendConformance {
    static let samples = [
        BackendConformance("samples are scaled and shifted by vectors of their own") { trial in
            for (samples, tokens, width) in [(1, 1, 1), (3, 5, 7), (2, 33, 130), (5, 300, 16)] {
                trial.context = "\(samples) x \(tokens) x \(width)"
                let shape = [samples, tokens, width], rows = [samples, width]
                let (x, base) = (Samples.floats(shape.product, "x"), Samples.floats(shape.product, "base"))
                let (factors, shift) = (Samples.floats(rows.product, "factors"), Samples.floats(rows.product, "shift"))
                func own(_ place: Int) -> Int { place / (tokens * width) * width + place % width }
                for isShifted in [false, true] {
                    let out = trial.output(shape)
                    trial.backend.scaleSamples(
                        trial.input(x, shape), by: trial.input(factors, rows), adding: trial.input(base, shape),
                        shift: isShifted ? trial.input(shift, rows) : nil, into: out)
                    let expected = x.indices.map {
                        Double(base[$0]) + Double(x[$0]) * Double(factors[own($0)])
                            + (isShifted ? Double(shift[own($0)]) : 0)
                    }
                    trial.expect(out, expected, within: Self.rounding * 2, "scaled, shifted: \(isShifted)")
                }
                let dy = Samples.floats(shape.product, "dy")
                for accumulates in [false, true] {
                    let dx = trial.output(shape, holding: accumulates ? base : nil)
                    let (dfactors, dshift) = (trial.output(rows), trial.output(rows))
                    trial.backend.scaleSamplesBackward(
                        trial.input(dy, shape), x: trial.input(x, shape), factors: trial.input(factors, rows),
                        into: dx, accumulate: accumulates, dfactors: dfactors, dshift: dshift)
                    let slopes = dy.indices.map {
                        Double(dy[$0]) * Double(factors[own($0)]) + (accumulates ? Double(base[$0]) : 0)
                    }
                    trial.expect(dx, slopes, within: Self.rounding * 2, "dx, added: \(accumulates)")
                    var (products, sums) = (
                        [Double](repeating: 0, count: rows.product), [Double](repeating: 0, count: rows.product)
                    )
                    for place in dy.indices {
                        products[own(place)] += Double(dy[place]) * Double(x[place])
                        sums[own(place)] += Double(dy[place])
                    }
                    trial.expect(dfactors, products, within: Self.sums, "dfactors")
                    trial.expect(dshift, sums, within: Self.sums, "dshift")
                }
            }
        },
        BackendConformance("queries attend to the keys of several tensors, and gradients reach all of them") { trial in
            for (batch, queries, lengths, heads, headWidth) in [
                (1, 1, [1], 1, 1), (2, 3, [5, 3], 2, 4), (3, 1, [40, 2, 1], 3, 8), (1, 2, [513], 4, 16),
            ] {
                for type in [DType.f32, .bf16] {
                    let width = heads * headWidth
                    trial.context = "\(batch) x \(queries) queries, \(lengths) keys, \(heads) x \(headWidth), \(type)"
                    func values(_ count: Int, _ name: String) -> [Float] {
                        let floats = Samples.floats(count, name)
                        return type == .bf16 ? floats.map(BrainFloatBits.nearest) : floats
                    }
                    let q = values(batch * queries * 3 * width, "q")
                    let keys = lengths.map { values(batch * $0 * 3 * width, "keys \($0)") }
                    let upstream = values(batch * queries * width, "upstream")
                    let queryTensor = trial.input(q, [batch, queries, 3 * width], type)
                    let keyTensors = zip(keys, lengths).map { trial.input($0, [batch, $1, 3 * width], type) }
                    let out = trial.output([batch, queries, width], type)
                    trial.backend.crossAttention(queryTensor, keys: keyTensors, heads: heads, into: out)
                    let expected = CrossAttentionReference(
                        q: q, keys: keys, lengths: lengths, upstream: upstream, batch: batch, queries: queries,
                        heads: heads, headWidth: headWidth)
                    let limit = type == .f32 ? Self.sums : halfRounding
                    trial.expect(out, expected.out, within: limit, "attended")
                    let dq = trial.output([batch, queries, 3 * width], type)
                    let dkeys = lengths.map { trial.output([batch, $0, 3 * width], type) }
                    trial.backend.crossAttentionBackward(
                        trial.input(upstream, [batch, queries, width], type), queries: queryTensor, keys: keyTensors,
                        heads: heads, into: dq, dkeys)
                    trial.expect(dq, expected.dq, within: limit, "gradient of queries")
                    for (own, wanted) in zip(dkeys, expected.dkeys) {
                        trial.expect(own, wanted, within: limit, "gradient of keys")
                    }
                }
            }
        },
    ]
}

/// Attention of queries to several tensors and its gradients, in f64.
private struct CrossAttentionReference {
    private(set) var out: [Double]
    private(set) var dq: [Double]
    private(set) var dkeys: [[Double]]

    init(
        q: [Float], keys: [[Float]], lengths: [Int], upstream: [Float], batch: Int, queries: Int, heads: Int,
        headWidth: Int
    ) {
        let width = heads * headWidth, scale = 1 / Double(headWidth).squareRoot()
        out = [Double](repeating: 0, count: batch * queries * width)
        dq = [Double](repeating: 0, count: q.count)
        dkeys = keys.map { [Double](repeating: 0, count: $0.count) }
        for sample in 0..<batch {
            let places = lengths.enumerated().flatMap { source, length in
                (0..<length).map { (source, (sample * length + $0) * 3 * width) }
            }
            for head in 0..<heads {
                for query in 0..<queries {
                    let row = (sample * queries + query) * 3 * width + head * headWidth
                    let target = (sample * queries + query) * width + head * headWidth
                    func channels(_ body: (Int) -> Double) -> Double {
                        (0..<headWidth).reduce(0) { $0 + body($1) }
                    }
                    let scores = places.map { source, start in
                        scale
                            * channels {
                                Double(q[row + $0]) * Double(keys[source][start + width + head * headWidth + $0])
                            }
                    }
                    let largest = scores.max() ?? 0
                    let powers = scores.map { exp($0 - largest) }
                    let weights = powers.map { $0 / powers.reduce(0, +) }
                    let slopes = places.map { source, start in
                        channels {
                            Double(upstream[target + $0])
                                * Double(keys[source][start + 2 * width + head * headWidth + $0])
                        }
                    }
                    let mean = zip(weights, slopes).reduce(0) { $0 + $1.0 * $1.1 }
                    for (place, (source, start)) in places.enumerated() {
                        let k = start + width + head * headWidth, v = k + width
                        let score = weights[place] * (slopes[place] - mean) * scale
                        for channel in 0..<headWidth {
                            out[target + channel] += weights[place] * Double(keys[source][v + channel])
                            dq[row + channel] += score * Double(keys[source][k + channel])
                            dkeys[source][k + channel] += score * Double(q[row + channel])
                            dkeys[source][v + channel] += weights[place] * Double(upstream[target + channel])
                        }
                    }
                }
            }
        }
    }
}
