import Kernels

/// Attention without ever storing the scores: a task owns one head of one sequence (or some short sequences) and keeps
/// its probabilities in scratch memory that fits the cache.
extension CPUBackend {
    /// Sequences up to this length run in the small kernel, where a product library would be all call overhead.
    static let smallLength = 16
    /// Floats of scores that a task holds at once: 512 KiB, a quarter of a second-level cache for each of the backward
    /// pass's two matrices.
    private static let scoreBudget = 1 << 17

    public func attention(
        _ qkv: Tensor, layout: AttentionLayout, keyMask: Tensor?, bias: Tensor?, into out: Tensor
    ) {
        if qkv.dtype == .bf16 {
            precondition(bias == nil, "attention over bf16 values takes no bias")
            return halfAttention(qkv, layout: layout, keyMask: keyMask, into: out)
        }
        let problem = AttentionProblem(qkv, at: pointer(qkv), layout, keyMask, bias: bias, on: self)
        precondition(out.count == layout.tokenCount * problem.width, "attention of \(qkv.shape) into \(out.shape)")
        let target = pointer(out)
        if layout.length <= Self.smallLength {
            let shape = problem.smallShape
            return forEachSmallUnit(problem) { token, mask in
                let q = problem.qkv + token * 3 * problem.width
                withUnsafePointer(to: shape) {
                    kernels.small_attention(
                        $0, q, q + problem.width, q + 2 * problem.width, mask, target + token * problem.width)
                }
            }
        }
        let rowsAtOnce = Self.queryRows(layout.length)
        let width = problem.width, headDim = problem.headDim
        forEachHead(problem, scratch: rowsAtOnce * layout.length) { base, mask, bias, scores in
            let stride = layout.tokenStride * 3 * width, outStride = layout.tokenStride * width
            let q = problem.qkv + base.qkv, o = target + base.out
            for start in Swift.stride(from: 0, to: layout.length, by: rowsAtOnce) {
                let rows = min(rowsAtOnce, layout.length - start)
                probabilities(
                    problem, queries: q + start * stride, keys: q + width, stride: stride, firstRow: start, rows: rows,
                    mask: mask, bias: bias.map { $0 + start * layout.length }, into: scores)
                products.multiply(
                    m: rows, n: headDim, k: layout.length, a: scores, aStride: layout.length, aTransposed: false,
                    b: q + 2 * width, bStride: stride, bTransposed: false, beta: 0, c: o + start * outStride,
                    cStride: outStride)
            }
        }
    }

    public func attentionBackward(
        _ dout: Tensor, qkv: Tensor, layout: AttentionLayout, keyMask: Tensor?, into dqkv: Tensor
    ) {
        if qkv.dtype == .bf16 {
            return halfAttentionBackward(dout, qkv: qkv, layout: layout, keyMask: keyMask, into: dqkv)
        }
        let problem = AttentionProblem(qkv, at: pointer(qkv), layout, keyMask, on: self)
        precondition(dqkv.count == qkv.count, "attention gradient of \(qkv.shape) into \(dqkv.shape)")
        let upstream = pointer(dout), gradient = pointer(dqkv)
        let width = problem.width, headDim = problem.headDim, length = layout.length
        if length <= Self.smallLength {
            let shape = problem.smallShape
            return forEachSmallUnit(problem) { token, mask in
                let q = problem.qkv + token * 3 * width, dq = gradient + token * 3 * width
                withUnsafePointer(to: shape) {
                    kernels.small_attention_backward(
                        $0, q, q + width, q + 2 * width, mask, upstream + token * width, dq, dq + width, dq + 2 * width)
                }
            }
        }
        let rowsAtOnce = Self.queryRows(length)
        forEachHead(problem, scratch: 2 * rowsAtOnce * length) { base, mask, _, scratch in
            let stride = layout.tokenStride * 3 * width, outStride = layout.tokenStride * width
            let q = problem.qkv + base.qkv, dq = gradient + base.qkv, d = upstream + base.out
            let p = scratch, dp = scratch + rowsAtOnce * length
            for start in Swift.stride(from: 0, to: length, by: rowsAtOnce) {
                let rows = min(rowsAtOnce, length - start)
                let beta: Float = start == 0 ? 0 : 1
                let queries = q + start * stride, dRows = d + start * outStride
                probabilities(
                    problem, queries: queries, keys: q + width, stride: stride, firstRow: start, rows: rows, mask: mask,
                    bias: nil, into: p)
                // dV += P^T dO;  dP = dO V^T;  dS = scale P (dP - sum P dP);  dQ = dS K;  dK += dS^T Q
                products.multiply(
                    m: length, n: headDim, k: rows, a: p, aStride: length, aTransposed: true, b: dRows,
                    bStride: outStride, bTransposed: false, beta: beta, c: dq + 2 * width, cStride: stride)
                products.multiply(
                    m: rows, n: length, k: headDim, a: dRows, aStride: outStride, aTransposed: false,
                    b: q + 2 * width, bStride: stride, bTransposed: true, beta: 0, c: dp, cStride: length)
                kernels.softmax_backward(p, dp, rows, length, problem.scale)
                products.multiply(
                    m: rows, n: headDim, k: length, a: dp, aStride: length, aTransposed: false, b: q + width,
                    bStride: stride, bTransposed: false, beta: 0, c: dq + start * stride, cStride: stride)
                products.multiply(
                    m: length, n: headDim, k: rows, a: dp, aStride: length, aTransposed: true, b: queries,
                    bStride: stride, bTransposed: false, beta: beta, c: dq + width, cStride: stride)
            }
        }
    }

    private static func queryRows(_ length: Int) -> Int { min(length, max(16, scoreBudget / length)) }

    /// P = softmax(scale Q K^T + mask + bias) for `rows` queries against all keys.
    private func probabilities(
        _ problem: AttentionProblem<Float>, queries: UnsafePointer<Float>, keys: UnsafePointer<Float>, stride: Int,
        firstRow: Int, rows: Int, mask: UnsafePointer<Float>?, bias: UnsafePointer<Float>?,
        into scores: UnsafeMutablePointer<Float>
    ) {
        let length = problem.layout.length
        products.multiply(
            m: rows, n: length, k: problem.headDim, a: queries, aStride: stride, aTransposed: false, b: keys,
            bStride: stride, bTransposed: true, beta: 0, c: scores, cStride: length)
        kernels.softmax(scores, rows, length, problem.scale, problem.layout.isCausal ? 1 : 0, firstRow, mask, bias)
    }

    /// One task per head of each sequence; `scratch` floats are the task's own.
    private func forEachHead(
        _ problem: AttentionProblem<Float>, scratch: Int,
        _ body: (
            _ base: (qkv: Int, out: Int), _ mask: UnsafePointer<Float>?, _ bias: UnsafePointer<Float>?,
            _ scratch: UnsafeMutablePointer<Float>
        ) -> Void
    ) {
        let layout = problem.layout
        pool.run(problem.sequences * layout.heads) { task in
            let head = task % layout.heads
            let (token, mask) = problem.sequence(task / layout.heads)
            let memory = empty([scratch])
            body(
                problem.base(token: token, head: head), mask,
                problem.bias.map { $0 + head * layout.length * layout.length }, pointer(memory))
        }
    }

    private func forEachSmallUnit(
        _ problem: AttentionProblem<Float>, _ body: (_ token: Int, _ mask: UnsafePointer<Float>?) -> Void
    ) {
        split(problem.sequences, grain: max(1, 1 << 14 / (problem.layout.length * problem.width))) { start, count in
            for number in start..<start + count {
                let (token, mask) = problem.sequence(number)
                body(token, mask)
            }
        }
    }
}

/// Sizes and pointers that forward and backward share, for f32 and for bf16 values.
struct AttentionProblem<Element> {
    let layout: AttentionLayout
    let width: Int
    let headDim: Int
    let scale: Float
    let qkv: UnsafePointer<Element>
    let mask: UnsafePointer<Float>?
    let bias: UnsafePointer<Float>?

    /// - Parameter values: where `qkv` lies.
    init(
        _ qkv: Tensor, at values: UnsafePointer<Element>, _ layout: AttentionLayout, _ keyMask: Tensor?,
        bias: Tensor? = nil, on backend: CPUBackend
    ) {
        let tripleWidth = qkv.shape.last ?? 0
        precondition(
            tripleWidth % (3 * layout.heads) == 0 && qkv.count == layout.tokenCount * tripleWidth,
            "qkv \(qkv.shape) for \(layout.tokenCount) tokens and \(layout.heads) heads")
        if let keyMask {
            precondition(
                keyMask.count == layout.outerCount * layout.length,
                "key mask \(keyMask.shape) for \(layout.outerCount) sequences of \(layout.length)")
        }
        if let bias {
            precondition(
                bias.shape == [layout.heads, layout.length, layout.length],
                "attention bias \(bias.shape) for \(layout.heads) heads and \(layout.length) tokens")
        }
        self.layout = layout
        width = tripleWidth / 3
        headDim = width / layout.heads
        scale = layout.scale ?? 1 / Float(headDim).squareRoot()
        self.qkv = values
        mask = keyMask.map { UnsafePointer(backend.pointer($0)) }
        self.bias = bias.map { UnsafePointer(backend.pointer($0)) }
    }

    /// Sequences that attend to themselves.
    var sequences: Int { layout.outerCount * layout.innerCount }

    /// The first token of a sequence, and the mask of its keys.
    func sequence(_ number: Int) -> (token: Int, mask: UnsafePointer<Float>?) {
        let outer = number / layout.innerCount, inner = number % layout.innerCount
        return (outer * layout.outerStride + inner * layout.innerStride, mask.map { $0 + outer * layout.length })
    }

    /// Where the head of a sequence begins in q and in the output.
    func base(token: Int, head: Int) -> (qkv: Int, out: Int) {
        (token * 3 * width + head * headDim, token * width + head * headDim)
    }
}

extension AttentionProblem<Float> {
    fileprivate var smallShape: LamSmallAttention {
        LamSmallAttention(
            length: layout.length, heads: layout.heads, head_dim: headDim, qkv_stride: layout.tokenStride * 3 * width,
            out_stride: layout.tokenStride * width, causal: layout.isCausal ? 1 : 0, scale: scale, bias: bias)
    }
}
