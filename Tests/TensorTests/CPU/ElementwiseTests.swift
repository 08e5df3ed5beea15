import Tensor
import Testing

/// The parts of the CPU backend that cut work into pieces: results must not depend on where the cuts are.
@Suite("CPU backend pieces")
struct ElementwiseTests {
    private let backend = CPUBackend(threadCount: 3)

    @Test("sums, copies and column sums over several pieces")
    func pieces() {
        let count = 200_003
        let values = Samples.floats(count, "x")
        let x = backend.tensor(values, [count])
        let squares = values.reduce(0) { $0 + Double($1) * Double($1) }
        // f32 within 512 elements, double beyond.
        #expect(abs(backend.sumOfSquares(x) - squares) <= 1e-6 * squares)
        let y = backend.empty([count])
        backend.fill(y, with: 2)
        backend.add(x, y, into: y)
        let shifted: [Float] = values.map { $0 + 2 }
        #expect(backend.floats(y) == shifted)
        backend.multiply(x, y, into: y)
        let product: [Float] = values.map { $0 * ($0 + 2) }
        #expect(backend.floats(y) == product)

        let (rows, columns) = (311, 643)
        let sums = backend.zeros([columns])
        backend.addColumnSums(of: x.range(0, rows * columns), to: sums)
        let expected: [Double] = (0..<columns).map { j in
            (0..<rows).reduce(0.0) { $0 + Double(values[$1 * columns + j]) }
        }
        // 311 f32 terms of order one in a row.
        expectClose(backend.floats(sums), expected, tolerance: 2e-6)

        let target = backend.zeros([rows, columns + 2])
        let plan = BlockCopy(
            blocks: rows, length: columns, sourceStride: columns, target: 1, targetStride: columns + 2)
        backend.copy(plan, from: x, to: target, accumulate: false)
        backend.copy(plan, from: x, to: target, accumulate: true)
        let copied = backend.floats(target)
        let line = copied[300 * (columns + 2)..<301 * (columns + 2)]
        let doubled: [Float] = values[300 * columns..<301 * columns].map { 2 * $0 }
        #expect(Array(line) == [0] + doubled + [0])
    }

    @Test("integers and bytes are copied as they are")
    func otherTypes() {
        let bytes = backend.tensor((0..<30).map { UInt8($0) }, [5, 6])
        let part = backend.empty([5, 2], .u8)
        backend.copy(
            BlockCopy(blocks: 5, length: 2, source: 3, sourceStride: 6, targetStride: 2), from: bytes, to: part,
            accumulate: false)
        var got = [UInt8](repeating: 0, count: 10)
        got.withUnsafeMutableBytes { backend.download(part, into: $0) }
        #expect(got == [3, 4, 9, 10, 15, 16, 21, 22, 27, 28])
        #expect(backend.int32s(backend.tensor([3, -1] as [Int32], [2])) == [3, -1])
    }
}
