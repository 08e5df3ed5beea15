import Kernels

/// Attention over bf16 values: a task owns one head of one sequence, or some pairs of tokens.
extension CPUBackend {
    func halfAttention(_ qkv: Tensor, layout: AttentionLayout, keyMask: Tensor?, into out: Tensor) {
        let problem = HalfAttentionProblem(qkv, layout, keyMask, self)
        precondition(out.count == layout.tokenCount * problem.width, "attention of \(qkv.shape) into \(out.shape)")
        let target = halfPointer(out)
        let width = problem.width
        if problem.isPairs {
            let next = layout.tokenStride
            return forEachPair(problem) { token in
                kernels.half_pair_attention(
                    layout.heads, problem.headDim, problem.scale, problem.qkv + token * 3 * width,
                    problem.qkv + (token + next) * 3 * width, target + token * width, target + (token + next) * width)
            }
        }
        forEachHead(problem, isBackward: false) { qkvBase, outBase, shape, scratch in
            let q = problem.qkv + qkvBase
            kernels.half_attention(shape, q, q + width, q + 2 * width, target + outBase, scratch)
        }
    }

    func halfAttentionBackward(
        _ dout: Tensor, qkv: Tensor, layout: AttentionLayout, keyMask: Tensor?, into dqkv: Tensor
    ) {
        let problem = HalfAttentionProblem(qkv, layout, keyMask, self)
        precondition(
            dqkv.count == qkv.count && dout.count * 3 == qkv.count,
            "attention gradient \(dout.shape) of \(qkv.shape) into \(dqkv.shape)")
        let upstream = halfPointer(dout), gradient = halfPointer(dqkv)
        let width = problem.width
        if problem.isPairs {
            let next = layout.tokenStride
            return forEachPair(problem) { token in
                let second = token + next
                kernels.half_pair_attention_backward(
                    layout.heads, problem.headDim, problem.scale, problem.qkv + token * 3 * width,
                    problem.qkv + second * 3 * width, upstream + token * width, upstream + second * width,
                    gradient + token * 3 * width, gradient + second * 3 * width)
            }
        }
        forEachHead(problem, isBackward: true) { qkvBase, outBase, shape, scratch in
            let q = problem.qkv + qkvBase, dq = gradient + qkvBase
            kernels.half_attention_backward(
                shape, q, q + width, q + 2 * width, upstream + outBase, dq, dq + width, dq + 2 * width, scratch)
        }
    }

    private func forEachHead(
        _ problem: HalfAttentionProblem, isBackward: Bool,
        _ body: (
            _ qkv: Int, _ out: Int, _ shape: UnsafePointer<LamHalfAttention>, _ scratch: UnsafeMutableRawPointer
        ) -> Void
    ) {
        let layout = problem.layout
        let bytes = withUnsafePointer(to: problem.shape(mask: nil)) {
            kernels.half_attention_scratch($0, isBackward ? 1 : 0)
        }
        pool.run(layout.outerCount * layout.innerCount * layout.heads) { task in
            let head = task % layout.heads, unit = task / layout.heads
            let outer = unit / layout.innerCount, inner = unit % layout.innerCount
            let token = outer * layout.outerStride + inner * layout.innerStride
            let scratch = empty([bytes], .u8)
            withUnsafePointer(to: problem.shape(mask: problem.mask.map { $0 + outer * layout.length })) {
                body(
                    token * 3 * problem.width + head * problem.headDim, token * problem.width + head * problem.headDim,
                    $0, rawPointer(scratch))
            }
        }
    }

    private func forEachPair(_ problem: HalfAttentionProblem, _ body: (_ token: Int) -> Void) {
        let layout = problem.layout
        split(layout.outerCount * layout.innerCount, grain: max(1, 1 << 15 / problem.width)) { start, count in
            for unit in start..<start + count {
                body(unit / layout.innerCount * layout.outerStride + unit % layout.innerCount * layout.innerStride)
            }
        }
    }
}

/// Sizes and pointers that forward and backward share.
private struct HalfAttentionProblem {
    let layout: AttentionLayout
    let width: Int
    let headDim: Int
    let scale: Float
    let qkv: UnsafeMutablePointer<UInt16>
    let mask: UnsafePointer<Float>?

    init(_ qkv: Tensor, _ layout: AttentionLayout, _ keyMask: Tensor?, _ backend: CPUBackend) {
        let tripleWidth = qkv.shape.last ?? 0
        precondition(
            tripleWidth % (3 * layout.heads) == 0 && qkv.count == layout.tokenCount * tripleWidth,
            "qkv \(qkv.shape) for \(layout.tokenCount) tokens and \(layout.heads) heads")
        if let keyMask {
            precondition(
                keyMask.count == layout.outerCount * layout.length,
                "key mask \(keyMask.shape) for \(layout.outerCount) sequences of \(layout.length)")
        }
        self.layout = layout
        width = tripleWidth / 3
        headDim = width / layout.heads
        scale = layout.scale ?? 1 / Float(headDim).squareRoot()
        self.qkv = backend.halfPointer(qkv)
        mask = keyMask.map { UnsafePointer(backend.pointer($0)) }
    }

    /// The two frames of a pair, the second of which sees both.
    var isPairs: Bool { layout.length == 2 && layout.isCausal && mask == nil }

    func shape(mask: UnsafePointer<Float>?) -> LamHalfAttention {
        LamHalfAttention(
            length: layout.length, head_dim: headDim, qkv_stride: layout.tokenStride * 3 * width,
            out_stride: layout.tokenStride * width, causal: layout.isCausal ? 1 : 0, scale: scale, mask: mask)
    }
}
