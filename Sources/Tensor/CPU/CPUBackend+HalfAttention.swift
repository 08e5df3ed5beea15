import Kernels

/// Attention on bf16: as for f32, a task owns one head of one sequence and keeps scores and probabilities in scratch
/// memory that fits the cache. Scores, softmax and sums are f32; the operands of the products are bf16.
extension CPUBackend {
    /// Scores that a task holds at once.
    private static let scoreBudget = 1 << 17

    func halfAttention(_ qkv: Tensor, layout: AttentionLayout, keyMask: Tensor?, into out: Tensor) {
        let problem = HalfAttentionProblem(qkv, layout, keyMask, self)
        precondition(out.count == layout.tokenCount * problem.width, "attention of \(qkv.shape) into \(out.shape)")
        let target = halfPointer(out)
        if layout.length <= Self.smallLength {
            return forEachSmallUnit(problem) { token, mask, values, result in
                problem.gather(problem.qkv + token * 3 * problem.width, width: 3 * problem.width, into: values, self)
                withUnsafePointer(to: problem.smallShape) {
                    kernels.small_attention(
                        $0, values, values + problem.width, values + 2 * problem.width, mask, result)
                }
                problem.scatter(result, width: problem.width, to: target + token * problem.width, self)
            }
        }
        let keys = problem.paddedLength, dim = problem.paddedDim
        let rows = Self.queryRows(layout.length)
        forEachHead(problem) { qkvBase, outBase, mask in
            let scores = Scratch(self, floats: rows * keys), sums = Scratch(self, floats: rows * dim)
            let probabilities = Scratch(self, halves: rows * keys)
            let q = problem.rows(problem.qkv + qkvBase, width: 3), k = q.shifted(problem.width)
            let v = q.shifted(2 * problem.width)
            let keysPacked = packRight(k, transposed: true), valuesPacked = packRight(v, transposed: false)
            for start in stride(from: 0, to: layout.length, by: rows) {
                let queries = q.range(start, min(rows, layout.length - start))
                makeProbabilities(problem, queries, first: start, keysPacked, mask, scores, into: probabilities.halves)
                multiply(probabilities.matrix(queries.rows, keys), valuesPacked, into: sums.floats)
                let line = target + outBase + start * layout.tokenStride * problem.width
                for row in 0..<queries.rows {
                    kernels.half_from_float(
                        sums.floats + row * dim, line + row * layout.tokenStride * problem.width, problem.headDim)
                }
            }
        }
    }

    func halfAttentionBackward(
        _ dout: Tensor, qkv: Tensor, layout: AttentionLayout, keyMask: Tensor?, into dqkv: Tensor
    ) {
        let problem = HalfAttentionProblem(qkv, layout, keyMask, self)
        precondition(dqkv.count == qkv.count, "attention gradient of \(qkv.shape) into \(dqkv.shape)")
        let upstream = halfPointer(dout), gradient = halfPointer(dqkv)
        let width = problem.width
        if layout.length <= Self.smallLength {
            return forEachSmallUnit(problem) { token, mask, values, dresult in
                problem.gather(problem.qkv + token * 3 * width, width: 3 * width, into: values, self)
                problem.gather(upstream + token * width, width: width, into: dresult, self)
                let gradients = Scratch(self, floats: layout.length * 3 * width)
                let g = gradients.floats
                withUnsafePointer(to: problem.smallShape) {
                    kernels.small_attention_backward(
                        $0, values, values + width, values + 2 * width, mask, dresult, g, g + width, g + 2 * width)
                }
                problem.scatter(g, width: 3 * width, to: gradient + token * 3 * width, self)
            }
        }
        let keys = problem.paddedLength, dim = problem.paddedDim
        let rows = Self.queryRows(layout.length)
        forEachHead(problem) { qkvBase, outBase, mask in
            let scores = Scratch(self, floats: rows * keys), dscores = Scratch(self, floats: rows * keys)
            let probabilities = Scratch(self, halves: rows * keys), dp = Scratch(self, halves: rows * keys)
            let sums = Scratch(self, floats: rows * dim)
            let dk = Scratch(self, floats: keys * dim), dv = Scratch(self, floats: keys * dim)
            let q = problem.rows(problem.qkv + qkvBase, width: 3), k = q.shifted(width), v = q.shifted(2 * width)
            let d = problem.rows(upstream + outBase, width: 1)
            let keysPacked = packRight(k, transposed: true), valuesPacked = packRight(v, transposed: true)
            let keysAcross = packRight(k, transposed: false)
            for start in stride(from: 0, to: layout.length, by: rows) {
                let queries = q.range(start, min(rows, layout.length - start)), upstream = d.range(start, queries.rows)
                makeProbabilities(problem, queries, first: start, keysPacked, mask, scores, into: probabilities.halves)
                // dP = dO V^T;  dS = scale P (dP - sum P dP)
                multiply(upstream, valuesPacked, into: dscores.floats)
                kernels.half_softmax_backward(
                    scores.floats, dscores.floats, queries.rows, layout.length, keys, problem.scale, dp.halves)
                // dQ = dS K;  dK += dS^T Q;  dV += P^T dO
                multiply(dp.matrix(queries.rows, keys), keysAcross, into: sums.floats)
                let target = gradient + qkvBase + start * layout.tokenStride * 3 * width
                store(sums.floats, rows: queries.rows, problem, at: target)
                let accumulate = start > 0
                multiplyTransposed(
                    dp.matrix(queries.rows, keys), packRight(queries, transposed: false), into: dk.floats,
                    accumulate: accumulate)
                multiplyTransposed(
                    probabilities.matrix(queries.rows, keys), packRight(upstream, transposed: false), into: dv.floats,
                    accumulate: accumulate)
            }
            store(dk.floats, rows: layout.length, problem, at: gradient + qkvBase + width)
            store(dv.floats, rows: layout.length, problem, at: gradient + qkvBase + 2 * width)
        }
    }

    private static func queryRows(_ length: Int) -> Int {
        min((length + 31) / 32 * 32, max(32, scoreBudget / length / 32 * 32))
    }

    /// Rows of `[.., head_dim]` f32 sums to bf16 gradients of q, k or v.
    private func store(
        _ sums: UnsafePointer<Float>, rows: Int, _ problem: HalfAttentionProblem,
        at target: UnsafeMutablePointer<UInt16>
    ) {
        let stride = problem.layout.tokenStride * 3 * problem.width
        for row in 0..<rows {
            kernels.half_from_float(sums + row * problem.paddedDim, target + row * stride, problem.headDim)
        }
    }

    /// P = softmax(scale Q K^T + mask) for some queries against all keys: f32 in `scores`, bf16 in `probabilities`.
    private func makeProbabilities(
        _ problem: HalfAttentionProblem, _ queries: HalfRows, first: Int, _ keys: PackedHalf,
        _ mask: UnsafePointer<Float>?, _ scores: Scratch, into probabilities: UnsafeMutablePointer<UInt16>
    ) {
        multiply(queries, keys, into: scores.floats)
        kernels.half_softmax(
            scores.floats, queries.rows, problem.layout.length, problem.paddedLength, problem.scale,
            problem.layout.isCausal ? 1 : 0, first, mask, probabilities)
    }

    // MARK: Products of one task

    private func packRight(_ source: HalfRows, transposed: Bool) -> PackedHalf {
        let unit = Self.halfUnit
        let (depth, columns) = transposed ? (source.columns, source.rows) : (source.rows, source.columns)
        let panels = (columns + unit - 1) / unit, padded = (depth + unit - 1) / unit * unit
        let packed = PackedHalf(panels: panels, depth: padded, scratch: Scratch(self, halves: panels * unit * padded))
        withUnsafePointer(to: source.source) {
            kernels.half_pack_right($0, transposed ? 1 : 0, 0, panels, packed.scratch.halves)
        }
        return packed
    }

    private func multiply(_ left: HalfRows, _ right: PackedHalf, into sums: UnsafeMutablePointer<Float>) {
        let unit = Self.halfUnit
        if left.columns == right.depth {
            var operand = LamHalfLeft(values: left.values, block: unit * left.stride, row: left.stride, step: unit)
            run(&operand, rows: left.rows, right, into: sums, accumulate: false)
        } else {
            multiplyPacked(left, transposed: false, right, into: sums, accumulate: false)
        }
    }

    private func multiplyTransposed(
        _ left: HalfRows, _ right: PackedHalf, into sums: UnsafeMutablePointer<Float>, accumulate: Bool
    ) {
        multiplyPacked(left, transposed: true, right, into: sums, accumulate: accumulate)
    }

    private func multiplyPacked(
        _ left: HalfRows, transposed: Bool, _ right: PackedHalf, into sums: UnsafeMutablePointer<Float>,
        accumulate: Bool
    ) {
        let unit = Self.halfUnit
        let rows = transposed ? left.columns : left.rows
        let blocks = (rows + unit - 1) / unit
        let packed = Scratch(self, halves: blocks * unit * right.depth)
        withUnsafePointer(to: left.source) {
            kernels.half_pack_left($0, transposed ? 1 : 0, 0, blocks, packed.halves)
        }
        var operand = LamHalfLeft(values: packed.halves, block: unit * right.depth, row: unit, step: unit * unit)
        run(&operand, rows: rows, right, into: sums, accumulate: accumulate)
    }

    private func run(
        _ left: inout LamHalfLeft, rows: Int, _ right: PackedHalf, into sums: UnsafeMutablePointer<Float>,
        accumulate: Bool
    ) {
        kernels.half_product(
            rows, right.panels, right.depth, &left, right.scratch.halves, Self.halfUnit * right.depth, sums,
            right.panels * Self.halfUnit, accumulate ? 1 : 0)
    }

    // MARK: Tasks

    private func forEachHead(
        _ problem: HalfAttentionProblem, _ body: (_ qkv: Int, _ out: Int, _ mask: UnsafePointer<Float>?) -> Void
    ) {
        let layout = problem.layout
        pool.run(layout.outerCount * layout.innerCount * layout.heads) { task in
            let head = task % layout.heads, unit = task / layout.heads
            let outer = unit / layout.innerCount, inner = unit % layout.innerCount
            let token = outer * layout.outerStride + inner * layout.innerStride
            body(
                token * 3 * problem.width + head * problem.headDim, token * problem.width + head * problem.headDim,
                problem.mask.map { $0 + outer * layout.length })
        }
    }

    /// `values` has room for q, k and v of a unit, `result` for its output; both f32 and dense.
    private func forEachSmallUnit(
        _ problem: HalfAttentionProblem,
        _ body: (
            _ token: Int, _ mask: UnsafePointer<Float>?, _ values: UnsafeMutablePointer<Float>,
            _ result: UnsafeMutablePointer<Float>
        ) -> Void
    ) {
        let layout = problem.layout
        let units = layout.outerCount * layout.innerCount
        split(units, grain: max(1, 1 << 14 / (layout.length * problem.width))) { start, count in
            let values = Scratch(self, floats: layout.length * 3 * problem.width)
            let result = Scratch(self, floats: layout.length * problem.width)
            for unit in start..<start + count {
                let outer = unit / layout.innerCount, inner = unit % layout.innerCount
                body(
                    outer * layout.outerStride + inner * layout.innerStride,
                    problem.mask.map { $0 + outer * layout.length }, values.floats, result.floats)
            }
        }
    }
}

/// Memory of one task.
private struct Scratch {
    private let tensor: Tensor
    private let backend: CPUBackend

    init(_ backend: CPUBackend, floats: Int) { (tensor, self.backend) = (backend.empty([floats]), backend) }
    init(_ backend: CPUBackend, halves: Int) { (tensor, self.backend) = (backend.empty([halves], .bf16), backend) }

    var floats: UnsafeMutablePointer<Float> { backend.pointer(tensor) }
    var halves: UnsafeMutablePointer<UInt16> { backend.halfPointer(tensor) }

    func matrix(_ rows: Int, _ columns: Int) -> HalfRows {
        HalfRows(values: halves, rows: rows, columns: columns, stride: columns)
    }
}

/// Rows of bf16 values somewhere in memory.
private struct HalfRows {
    let values: UnsafeMutablePointer<UInt16>
    let rows: Int
    let columns: Int
    let stride: Int

    func shifted(_ count: Int) -> HalfRows {
        HalfRows(values: values + count, rows: rows, columns: columns, stride: stride)
    }

    func range(_ start: Int, _ count: Int) -> HalfRows {
        HalfRows(values: values + start * stride, rows: count, columns: columns, stride: stride)
    }

    var source: LamHalfSource {
        LamHalfSource(values: UnsafeRawPointer(values), is_half: 1, stride: stride, rows: rows, columns: columns)
    }
}

/// A right operand as the kernel reads it.
private struct PackedHalf {
    let panels: Int
    let depth: Int
    let scratch: Scratch
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

    var paddedLength: Int { (layout.length + 31) / 32 * 32 }
    var paddedDim: Int { (headDim + 31) / 32 * 32 }

    /// One head's rows of a sequence that starts at `values`, in memory that is `width` times the model's wide.
    func rows(_ values: UnsafeMutablePointer<UInt16>, width factor: Int) -> HalfRows {
        HalfRows(
            values: values, rows: layout.length, columns: headDim, stride: layout.tokenStride * factor * width)
    }

    var smallShape: LamSmallAttention {
        LamSmallAttention(
            length: layout.length, heads: layout.heads, head_dim: headDim, qkv_stride: 3 * width, out_stride: width,
            causal: layout.isCausal ? 1 : 0, scale: scale, bias: nil)
    }

    /// A unit's tokens, `width` values each, to dense f32.
    func gather(
        _ source: UnsafePointer<UInt16>, width: Int, into target: UnsafeMutablePointer<Float>, _ backend: CPUBackend
    ) {
        for token in 0..<layout.length {
            backend.kernels.half_to_float(
                source + token * layout.tokenStride * width, target + token * width, width)
        }
    }

    func scatter(
        _ source: UnsafePointer<Float>, width: Int, to target: UnsafeMutablePointer<UInt16>, _ backend: CPUBackend
    ) {
        for token in 0..<layout.length {
            backend.kernels.half_from_float(
                source + token * width, target + token * layout.tokenStride * width, width)
        }
    }
}
