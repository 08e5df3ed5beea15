import Randomness
import Tensor
import Testing

/// Convolutions over channels-last frames against sums in double precision.
@Suite struct ConvolutionTests {
    private struct Case {
        var frames = 4
        var rows = 6
        var columns = 7
        var inputs = 37
        var outputs = 45
        var kernel = (3, 3, 3)
        var sampling = ConvolutionSampling(top: 1, left: 1)
        /// Frames of zeros before the first.
        var missing = 2
        var target = (rows: 6, columns: 7)
    }

    private static let cases = [
        Case(),
        Case(kernel: (1, 1, 1), sampling: ConvolutionSampling(), missing: 0),
        Case(
            rows: 6, columns: 8, kernel: (1, 3, 3), sampling: ConvolutionSampling(stride: 2), missing: 0,
            target: (3, 4)),
        Case(frames: 5, kernel: (3, 1, 1), sampling: ConvolutionSampling(frameStride: 2), missing: 0),
        Case(
            frames: 2, kernel: (1, 3, 3), sampling: ConvolutionSampling(top: 1, left: 1, doubles: true), missing: 0,
            target: (12, 14)),
        // More depth than is gathered at a time, and a row of more than 32 pixels.
        Case(
            frames: 1, rows: 3, columns: 41, inputs: 130, outputs: 33, kernel: (3, 3, 3), missing: 2, target: (3, 41)),
    ]

    private static func values(_ count: Int, _ purpose: String) -> [Float] {
        var generator = RandomGenerator(seed: 3, purpose: purpose)
        return (0..<count).map { _ in Float(2 * generator.uniform() - 1) }
    }

    @Test("agree with sums in double precision on every instruction set", arguments: InstructionSet.available)
    func sums(_ set: InstructionSet) {
        let backend = CPUBackend(threadCount: 2, instructionSet: set)
        for (number, item) in Self.cases.enumerated() {
            let (kt, kh, kw) = item.kernel
            let x = Self.values(item.frames * item.rows * item.columns * item.inputs, "frames \(number)")
            let w = Self.values(item.outputs * item.inputs * kt * kh * kw, "weight \(number)")
            let b = Self.values(item.outputs, "bias \(number)")
            let count = (item.missing + item.frames - kt) / item.sampling.frameStride + 1
            let shape = [count, item.target.rows, item.target.columns, item.outputs]
            let r = Self.values(shape.product, "residual \(number)")
            var expected = [Double](repeating: 0, count: shape.product)
            var place = 0
            for t in 0..<count {
                for row in 0..<shape[1] {
                    for column in 0..<shape[2] {
                        for output in 0..<item.outputs {
                            var sum = Double(b[output]) + Double(r[place])
                            for (dt, dy, dx) in (0..<kt * kh * kw).map({ ($0 / (kh * kw), $0 / kw % kh, $0 % kw) }) {
                                let frame = t * item.sampling.frameStride + dt - item.missing
                                var y = row * item.sampling.stride + dy - item.sampling.top
                                var z = column * item.sampling.stride + dx - item.sampling.left
                                let scale = item.sampling.doubles ? 2 : 1
                                guard frame >= 0, (0..<item.rows * scale).contains(y),
                                    (0..<item.columns * scale).contains(z)
                                else { continue }
                                (y, z) = (y / scale, z / scale)
                                for input in 0..<item.inputs {
                                    let pixel = ((frame * item.rows + y) * item.columns + z) * item.inputs + input
                                    let tap = (((output * item.inputs + input) * kt + dt) * kh + dy) * kw + dx
                                    sum += Double(x[pixel]) * Double(w[tap])
                                }
                            }
                            expected[place] = sum
                            place += 1
                        }
                    }
                }
            }
            for precision in ConvolutionPrecision.allCases {
                let filter = backend.convolutionFilter(
                    backend.tensor(w, [item.outputs, item.inputs, kt, kh, kw]),
                    bias: backend.tensor(b, [item.outputs]), precision: precision)
                let frames = backend.convolutionFrames(
                    backend.tensor(x, [item.frames, item.rows, item.columns, item.inputs]), gamma: nil,
                    activates: false, precision: precision)
                let out = backend.empty(shape)
                let zeros: [ConvolutionFrame?] = Array(repeating: nil, count: item.missing)
                backend.convolve(
                    zeros + frames, with: filter, item.sampling, residual: backend.tensor(r, shape), into: out)
                // Roots of sums of squares of the roundings: 2^-9 of each factor in bf16; in f32 2^-24 of each partial sum of a
                // chain of up to 3510, which is the worst that a product library makes.
                let scale = Double(item.inputs * kt * kh * kw).squareRoot() / 3
                let limit = scale * (precision == .bf16 ? 2e-2 : 6e-6)
                let worst = zip(backend.floats(out), expected).map { abs(Double($0) - $1) }.max() ?? .infinity
                #expect(worst < limit, "case \(number), \(precision.rawValue)")
            }
        }
    }

    @Test("folding and unfolding channels undo each other where nothing is averaged", arguments: [1, 2])
    func folding(_ frames: Int) {
        let backend = CPUBackend(threadCount: 2)
        let folding = ChannelFolding(frames: frames, space: 2)
        let x = backend.tensor(Self.values(4 * 4 * 6 * 3, "folded"), [4, 4, 6, 3])
        let folded = backend.zeros([4 / frames, 2, 3, 3 * frames * 4])
        backend.addFolded(x, folding, leadingZeros: 0, to: folded)
        let back = backend.zeros(x.shape)
        backend.addUnfolded(folded, folding, droppedFrames: 0, to: back)
        #expect(backend.floats(back) == backend.floats(x))
    }
}
