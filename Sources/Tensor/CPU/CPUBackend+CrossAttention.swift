import Foundation

/// Attention of a few queries to many tokens.
extension CPUBackend {
    public func crossAttention(_ queries: Tensor, keys: [Tensor], heads: Int, into out: Tensor) {
        let problem = CrossAttentionSizes(queries, keys: keys, heads: heads, into: out)
        let sources = keys.map { f32($0) }, own = f32(queries)
        let values = pointer(own), keyPointers = sources.map { pointer($0) }
        let result = out.dtype == .f32 ? out : empty(out.shape)
        let target = pointer(result)
        let width = problem.width, headWidth = problem.headWidth
        split(problem.batch * heads, grain: 1) { first, count in
            withScratch(problem.keyCount) { scores in
                for task in first..<first + count {
                    let sample = task / heads, offset = task % heads * headWidth
                    for query in 0..<problem.queryCount {
                        let row = sample * problem.queryCount + query
                        probabilities(problem, values + row * 3 * width + offset, keyPointers, sample, offset, scores)
                        let sums = target + row * width + offset
                        sums.update(repeating: 0, count: headWidth)
                        problem.forEachKey(keyPointers, sample) { key, place in
                            let value = key + 2 * width + offset
                            for channel in 0..<headWidth { sums[channel] += scores[place] * value[channel] }
                        }
                    }
                }
            }
        }
        if out.dtype != .f32 { cast(result, into: out) }
        withExtendedLifetime((sources, own)) {}
    }

    public func crossAttentionBackward(
        _ dout: Tensor, queries: Tensor, keys: [Tensor], heads: Int, into dqueries: Tensor, _ dkeys: [Tensor]
    ) {
        let problem = CrossAttentionSizes(queries, keys: keys, heads: heads, dout: dout, into: dqueries, dkeys)
        let sources = keys.map { f32($0) }, own = f32(queries), upstreamTensor = f32(dout)
        let values = pointer(own), keyPointers = sources.map { pointer($0) }, upstream = pointer(upstreamTensor)
        let results = ([dqueries] + dkeys).map { $0.dtype == .f32 ? $0 : empty($0.shape) }
        for result in results { fill(result, with: 0) }
        let slope = pointer(results[0]), keySlopes = results.dropFirst().map { pointer($0) }
        let width = problem.width, headWidth = problem.headWidth
        split(problem.batch * heads, grain: 1) { first, count in
            withScratch(2 * problem.keyCount) { scores in
                let slopes = scores + problem.keyCount
                for task in first..<first + count {
                    let sample = task / heads, offset = task % heads * headWidth
                    for query in 0..<problem.queryCount {
                        let row = sample * problem.queryCount + query
                        let q = values + row * 3 * width + offset, g = upstream + row * width + offset
                        probabilities(problem, q, keyPointers, sample, offset, scores)
                        var mean: Float = 0
                        problem.forEachKey(keyPointers, sample) { key, place in
                            let value = key + 2 * width + offset
                            var product: Float = 0
                            for channel in 0..<headWidth { product += g[channel] * value[channel] }
                            slopes[place] = product
                            mean += product * scores[place]
                        }
                        let dq = slope + row * 3 * width + offset
                        problem.forEachKey(keyPointers, keySlopes, sample) { key, gradient, place in
                            let score = scores[place] * (slopes[place] - mean) * problem.scale
                            let k = key + width + offset
                            let dk = gradient + width + offset, dv = gradient + 2 * width + offset
                            for channel in 0..<headWidth {
                                dq[channel] += score * k[channel]
                                dk[channel] += score * q[channel]
                                dv[channel] += scores[place] * g[channel]
                            }
                        }
                    }
                }
            }
        }
        for (result, target) in zip(results, [dqueries] + dkeys) where target.dtype != .f32 {
            cast(result, into: target)
        }
        withExtendedLifetime((sources, own, upstreamTensor)) {}
    }

    /// Softmax of one head's scores of one query.
    private func probabilities(
        _ problem: CrossAttentionSizes, _ q: UnsafeMutablePointer<Float>, _ keys: [UnsafeMutablePointer<Float>],
        _ sample: Int, _ offset: Int, _ scores: UnsafeMutablePointer<Float>
    ) {
        var largest = -Float.infinity
        problem.forEachKey(keys, sample) { key, place in
            let k = key + problem.width + offset
            var product: Float = 0
            for channel in 0..<problem.headWidth { product += q[channel] * k[channel] }
            scores[place] = product * problem.scale
            largest = max(largest, scores[place])
        }
        var sum: Float = 0
        for place in 0..<problem.keyCount {
            scores[place] = expf(scores[place] - largest)
            sum += scores[place]
        }
        for place in 0..<problem.keyCount { scores[place] /= sum }
    }

    private func f32(_ tensor: Tensor) -> Tensor {
        guard tensor.dtype != .f32 else { return tensor }
        let wide = empty(tensor.shape)
        cast(tensor, into: wide)
        return wide
    }
}

extension CrossAttentionSizes {
    /// The rows of one sample in all sources, with their places among the keys.
    fileprivate func forEachKey(
        _ keys: [UnsafeMutablePointer<Float>], _ sample: Int, _ body: (UnsafeMutablePointer<Float>, Int) -> Void
    ) {
        forEachKey(keys, keys, sample) { key, _, place in body(key, place) }
    }

    fileprivate func forEachKey(
        _ keys: [UnsafeMutablePointer<Float>], _ others: [UnsafeMutablePointer<Float>], _ sample: Int,
        _ body: (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void
    ) {
        var place = 0
        for (source, length) in lengths.enumerated() {
            let start = sample * length * 3 * width
            for row in 0..<length {
                body(keys[source] + start + row * 3 * width, others[source] + start + row * 3 * width, place)
                place += 1
            }
        }
    }
}
