import Tensor
import Testing

/// Attention and layer norms over bf16 values with every table of kernels, against the f32 operations on the same values,
/// which have tests of their own.
@Suite("bf16 attention and norms")
struct HalfAttentionTests {
    /// Probabilities and results are rounded to bf16, 4e-3 each; relative to the largest element.
    private static let tolerance = 1.2e-2

    /// Sequences, length, heads, values of a head, causal, masked.
    private static let problems: [(Int, Int, Int, Int, Bool, Bool)] = [
        (3, 2, 2, 16, true, false), (2, 2, 3, 20, true, false), (2, 2, 1, 8, false, false), (2, 5, 2, 16, true, false),
        (1, 33, 2, 64, false, false), (2, 70, 1, 20, false, true), (1, 64, 1, 32, true, false),
        (1, 300, 1, 32, false, true),
    ]

    @Test("attention and its gradient are those of f32", arguments: InstructionSet.available)
    func attention(set: InstructionSet) {
        let backend = CPUBackend(threadCount: 2, instructionSet: set)
        for (count, length, heads, dim, isCausal, isMasked) in Self.problems {
            let name = "\(count) x \(length) tokens, \(heads) x \(dim), causal \(isCausal), masked \(isMasked)"
            let width = heads * dim
            var layout = AttentionLayout.spatial(batch: count, frames: 1, tokens: length, heads: heads)
            layout.isCausal = isCausal
            let mask =
                isMasked
                ? backend.tensor(
                    (0..<count * length).map { $0 % 7 == 3 ? -Float.infinity : 0 }, [count, length]) : nil
            let values = HalfSamples.floats(count * length * 3 * width, "qkv", scale: 2)
            let upstream = HalfSamples.floats(count * length * width, "dout")
            let shape = [count, length]

            let full = backend.empty(shape + [width]), dfull = backend.empty(shape + [3 * width])
            let qkv = backend.tensor(values, shape + [3 * width])
            backend.attention(qkv, layout: layout, keyMask: mask, into: full)
            backend.attentionBackward(
                backend.tensor(upstream, shape + [width]), qkv: qkv, layout: layout, keyMask: mask, into: dfull)

            let half = backend.halves(values, shape + [3 * width])
            let out = backend.empty(shape + [width], .bf16), dqkv = backend.empty(shape + [3 * width], .bf16)
            backend.attention(half, layout: layout, keyMask: mask, into: out)
            backend.attentionBackward(
                backend.halves(upstream, shape + [width]), qkv: half, layout: layout, keyMask: mask, into: dqkv)
            expectClose(
                backend.widened(out), backend.floats(full).map(Double.init), tolerance: Self.tolerance, name)
            expectClose(
                backend.widened(dqkv), backend.floats(dfull).map(Double.init), tolerance: Self.tolerance,
                "gradient: \(name)")
        }
    }

    @Test(
        "a sequence whose keys are all masked becomes NaN, and leaves others alone", arguments: InstructionSet.available
    )
    func fullyMasked(set: InstructionSet) {
        let backend = CPUBackend(threadCount: 2, instructionSet: set)
        let layout = AttentionLayout.spatial(batch: 2, frames: 1, tokens: 3, heads: 1)
        let mask = backend.tensor([0, 0, 0] + [Float](repeating: -.infinity, count: 3), [2, 3])
        let out = backend.empty([2, 3, 16], .bf16)
        backend.attention(
            backend.halves(HalfSamples.floats(2 * 3 * 48, "qkv"), [2, 3, 48]), layout: layout, keyMask: mask, into: out)
        let got = backend.widened(out)
        let isRight = got[..<48].allSatisfy { $0.isFinite } && got[48...].allSatisfy { $0.isNaN }
        #expect(isRight)
    }

    @Test("layer norms and their gradients are those of f32", arguments: InstructionSet.available)
    func layerNorm(set: InstructionSet) {
        let backend = CPUBackend(threadCount: 2, instructionSet: set)
        for (rows, columns) in [(1, 1), (3, 15), (5, 17), (70, 64), (130, 200)] {
            let x = backend.tensor(Samples.floats(rows * columns, "x").map { $0 * 3 + 1 }, [rows, columns])
            let weight = backend.tensor(Samples.floats(columns, "weight"), [columns])
            let bias = backend.tensor(Samples.floats(columns, "bias"), [columns])
            let upstream = HalfSamples.floats(rows * columns, "dy")
            let y = backend.empty([rows, columns]), mean = backend.empty([rows]), rstd = backend.empty([rows])
            backend.layerNorm(x, weight: weight, bias: bias, epsilon: 1e-5, into: y, mean: mean, rstd: rstd)
            let dx = backend.zeros([rows, columns]), dweight = backend.zeros([columns]),
                dbias = backend.zeros([columns])
            backend.layerNormBackward(
                backend.tensor(upstream, [rows, columns]), x: x, weight: weight, mean: mean, rstd: rstd, into: dx,
                accumulate: true, dweight: dweight, dbias: dbias)

            let half = backend.empty([rows, columns], .bf16), normalized = backend.empty([rows, columns], .bf16)
            let again = backend.empty([rows, columns], .bf16), own = backend.empty([rows])
            backend.layerNorm(
                x, weight: weight, bias: bias, epsilon: 1e-5, into: half, normalized: normalized, rstd: own)
            backend.affine(normalized, weight: weight, bias: bias, into: again)
            let hx = backend.zeros([rows, columns]), hw = backend.zeros([columns]), hb = backend.zeros([columns])
            backend.layerNormBackward(
                backend.halves(upstream, [rows, columns]), normalized: normalized, weight: weight, rstd: own, into: hx,
                accumulate: true, dweight: hw, dbias: hb)
            for (name, got, expected) in [
                ("y", half, y), ("y again", again, y), ("rstd", own, rstd), ("dx", hx, dx), ("dweight", hw, dweight),
                ("dbias", hb, dbias),
            ] {
                expectClose(
                    backend.widened(got), backend.floats(expected).map(Double.init), tolerance: Self.tolerance,
                    "\(name) of \(rows) x \(columns)")
            }
        }
    }
}
