import Tensor
import Testing

@Suite("Rotary positions")
struct RotaryTests {
    @Test("q and k of the last tokens turn, and nothing else changes", arguments: [1, 2])
    func rotation(threads: Int) {
        let backend = CPUBackend(threadCount: threads)
        // More tokens than one task has; heads that are no multiple of a vector.
        let (sequences, length, positions, heads, half) = (5, 23, 19, 3, 6)
        let width = heads * 2 * half
        let qkv = backend.sample([sequences, length, 3 * width], "qkv")
        let before = backend.floats(qkv)
        let cosines = backend.sample([positions, half], "cos"), sines = backend.sample([positions, half], "sin")
        let (c, s) = (backend.floats(cosines), backend.floats(sines))
        backend.rotate(qkv, cosines: cosines, sines: sines, length: length, heads: heads)
        let after = backend.floats(qkv)
        for (index, value) in after.enumerated() {
            let (token, place) = index.quotientAndRemainder(dividingBy: 3 * width)
            let position = token % length - (length - positions)
            guard position >= 0, place < 2 * width else {
                #expect(value == before[index])
                continue
            }
            let inside = place % (2 * half), pair = position * half + inside % half
            let isFirst = inside < half
            let other = Double(before[isFirst ? index + half : index - half])
            let expected =
                Double(before[index]) * Double(c[pair]) + (isFirst ? -1 : 1) * other * Double(s[pair])
            // Two roundings of products of order one.
            #expect(abs(Double(value) - expected) <= 2e-7)
        }
    }
}
