import BackendConformance
import Foundation
import Kernels
import Tensor
import Testing

/// Activations and probabilities with every table of vector kernels that this CPU runs, where their values are hardest to
/// get right. All other kernels are tested by the conformance of the backend.
///
/// Lengths lie around the vector widths 4, 8 and 16, their multiples, and multiples of the 512 elements of one double
/// accumulation.
@Suite("Vector kernels")
struct KernelTests {
    private static let lengths = [1, 3, 4, 7, 15, 16, 17, 31, 33, 63, 100, 511, 513, 4095, 4096, 4097]
    /// A few roundings of f32 (6e-8 each) in values of order one.
    private static let elementwise = 3e-7

    private func table(_ set: InstructionSet) throws -> LamKernels {
        try #require(lam_kernels_named(set.rawValue)).pointee
    }

    /// What the epilogue of products makes of sums `x`, and of the GELU's input where there is one.
    private func activate(
        _ x: [Float], _ activation: Int, input: [Float] = [], _ kernels: LamKernels
    ) -> (out: [Float], input: [Float]) {
        var out = [Float](repeating: -9, count: x.count + 1)
        var input = input.isEmpty ? input : input + [-9]
        out.withUnsafeMutableBufferPointer { values in
            input.withUnsafeMutableBufferPointer { inputs in
                var output = LamOutput(
                    out: values.baseAddress, is_half: 0, accumulate: 0, activation: Int32(activation), stride: x.count,
                    columns: x.count, bias: nil, residual: nil, gelu_input: inputs.isEmpty ? nil : inputs.baseAddress)
                kernels.add_runs(1, x, x.count, 0, 1, &output)
            }
        }
        // Nothing behind the last one is touched.
        #expect(out.removeLast() == -9 && (input.isEmpty || input.removeLast() == -9))
        return (out, input)
    }

    /// One head whose scores are the queries, since its keys and values are unit vectors: its probabilities, and the
    /// gradient of its scores for `upstream`.
    private func attend(
        _ scores: [Float], scale: Float, causal: Bool, mask: [Float], upstream: [Float], _ kernels: LamKernels
    ) -> (p: [Float], gradient: [Float]) {
        let length = mask.count
        let units: [Float] = (0..<length * length).map { $0 / length == $0 % length ? 1 : 0 }
        var p = units, dq = units, dk = units, dv = units
        mask.withUnsafeBufferPointer { mask in
            var shape = LamHeadAttention(
                length: length, head_dim: length, qkv_stride: length, out_stride: length, causal: causal ? 1 : 0,
                scale: scale, is_half: 0, mask: mask.baseAddress, bias: nil)
            var scratch = [Float](repeating: 0, count: kernels.head_attention_scratch(&shape, 1))
            kernels.head_attention(&shape, scores, units, units, &p, &scratch)
            kernels.head_attention_backward(&shape, scores, units, units, upstream, &dq, &dk, &dv, &scratch)
        }
        return (p, dq)
    }

    @Test("by default the widest table is used whose units are worth it")
    func fastest() throws {
        let wide = InstructionSet.available.first
        #expect(InstructionSet.fastest == wide || (wide == .avx512bf16 && InstructionSet.fastest == .avx512))
        #expect(InstructionSet.available.contains(.portable))
        #expect(lam_kernels_named("sse9") == nil)
    }

    @Test("the GELU and its derivative are the exact ones", arguments: InstructionSet.available)
    func gelu(set: InstructionSet) throws {
        let kernels = try table(set)
        for length in Self.lengths {
            let u = Samples.floats(length, "u").map { $0 * 8 }
            let (plain, _) = activate(u, LAM_GELU, kernels)
            let (slope, activated) = activate(
                [Float](repeating: 1, count: length), LAM_GELU_BACKWARD, input: u, kernels)
            #expect(plain == activated)
            // erf is good to 2e-7, times an argument of up to 8.
            for i in 0..<length {
                let x = Double(u[i])
                #expect(abs(Double(plain[i]) - Reference.gelu(x)) <= 1.5e-7 * max(1, abs(x)), "gelu(\(x))")
                #expect(
                    abs(Double(slope[i]) - Reference.geluDerivative(x)) <= 3e-7 * max(1, abs(x)), "gelu'(\(x))")
            }
        }
    }

    @Test("the GELU of extreme values has its limits", arguments: InstructionSet.available)
    func geluLimits(set: InstructionSet) throws {
        let kernels = try table(set)
        let large: [Float] = [6.5, 10, 12.5, 13.2, 14, 40, 1e4, 1e19, 1e25, .greatestFiniteMagnitude]
        let u =
            large + large.map { -$0 } + [
                0, -0.0, .leastNonzeroMagnitude, -.leastNormalMagnitude, .infinity, .nan, -.infinity,
            ]
        let (slope, activated) = activate([Float](repeating: 1, count: u.count), LAM_GELU_BACKWARD, input: u, kernels)
        for i in large.indices {
            #expect(abs(activated[i] - u[i]) <= 3e-7 * u[i] && abs(slope[i] - 1) <= 2e-6, "\(u[i])")
        }
        for i in large.count..<2 * large.count {
            #expect(abs(activated[i]) <= 2e-6 && abs(slope[i]) <= 2e-6, "\(u[i]): \(activated[i]), \(slope[i])")
        }
        let rest = Array(activated[(2 * large.count)...])
        #expect(rest[0] == 0 && rest[0].sign == .plus && rest[1] == 0 && rest[1].sign == .minus)
        #expect(rest[2] >= 0 && rest[3] <= 0 && slope[2 * large.count] == 0.5)
        // u Phi(u) at -inf is -inf * 0, as it is in PyTorch.
        #expect(rest[4] == .infinity && rest[5].isNaN && rest[6].isNaN)
        #expect(slope[2 * large.count + 5].isNaN)
    }

    @Test(
        "attention's probabilities, causal or masked, sum to one where they may see",
        arguments: InstructionSet.available)
    func probabilities(set: InstructionSet) throws {
        let kernels = try table(set)
        for length in [1, 3, 4, 15, 16, 17, 33, 100, 201] {
            for (causal, masked) in [(false, false), (true, false), (true, true), (false, true)] {
                let scores = Samples.floats(length * length, "scores").map { $0 * 30 }
                let mask = (0..<length).map { masked && $0 % 3 == 1 ? -Float.infinity : 0 }
                let expected: [Double] = (0..<length).flatMap { row in
                    Reference.softmax(
                        (0..<length).map { key in
                            !causal || key <= row
                                ? Double(scores[row * length + key]) / 2 + Double(mask[key]) : -.infinity
                        })
                }
                let upstream = Samples.floats(length * length, "upstream")
                let (p, gradient) = attend(scores, scale: 0.5, causal: causal, mask: mask, upstream: upstream, kernels)
                expectClose(p, expected, tolerance: Self.elementwise, "\(length) \(causal) \(masked)")
                let wanted: [Double] = (0..<length).flatMap { row -> [Double] in
                    let range = row * length..<(row + 1) * length
                    let inner = range.reduce(0.0) { $0 + expected[$1] * Double(upstream[$1]) }
                    return range.map { (i: Int) -> Double in 0.5 * expected[i] * (Double(upstream[i]) - inner) }
                }
                expectClose(gradient, wanted, tolerance: Self.elementwise, "backward \(length) \(causal) \(masked)")
            }
        }
    }

    @Test("probabilities of huge scores stay finite, and of NaN become NaN", arguments: InstructionSet.available)
    func probabilityLimits(set: InstructionSet) throws {
        let kernels = try table(set)
        for length in [5, 16, 21] {
            var scores = Samples.floats(length * length, "scores")
            for key in 0..<length { scores[key] = key == 2 ? 3e38 : -3e38 }
            scores[length] = .nan
            scores[3 * length - 1] = .nan
            let visible = [Float](repeating: 0, count: length)
            let (p, _) = attend(scores, scale: 1, causal: false, mask: visible, upstream: scores, kernels)
            #expect(Array(p[..<length]) == (0..<length).map { $0 == 2 ? 1 : 0 })
            #expect(p[length..<3 * length].allSatisfy { $0.isNaN } && p[(3 * length)...].allSatisfy { $0.isFinite })
            let hidden = visible.map { _ in -Float.infinity }
            let (none, _) = attend(scores, scale: 1, causal: false, mask: hidden, upstream: scores, kernels)
            #expect(none.allSatisfy { $0.isNaN })
        }
    }

    @Test("activations of forward-only networks keep their formulas and limits", arguments: InstructionSet.available)
    func activations(set: InstructionSet) throws {
        let kernels = try table(set)
        for length in Self.lengths {
            let x = Samples.floats(length, "x").map { $0 * 8 }
            let (smooth, _) = activate(x, LAM_TANH_GELU, kernels)
            let (sharp, _) = activate(x, LAM_RELU, kernels)
            #expect(sharp == x.map { max(0, $0) })
            for i in 0..<length {
                let u = Double(x[i])
                let wanted = 0.5 * u * (1 + tanh((2 / Double.pi).squareRoot() * (u + 0.044715 * u * u * u)))
                #expect(abs(Double(smooth[i]) - wanted) <= Self.elementwise * max(1, abs(u)), "gelu(\(u))")
            }
        }
        let extremes: [Float] = [-.greatestFiniteMagnitude, -1e19, -40, 40, .greatestFiniteMagnitude, .infinity, .nan]
        let (smooth, _) = activate(extremes, LAM_TANH_GELU, kernels)
        let (sharp, _) = activate(extremes, LAM_RELU, kernels)
        #expect(smooth[..<3].allSatisfy { abs($0) < 1e-30 } && Array(smooth[3..<6]) == Array(extremes[3..<6]))
        #expect(Array(sharp[..<6]) == extremes[..<6].map { max(0, $0) })
        #expect(smooth[6].isNaN && sharp[6].isNaN)
    }
}
