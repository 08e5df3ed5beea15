import LAMData
import Testing

@Suite struct FrameFeaturesTests {
    private func rounded(_ patterns: [UInt32]) -> [UInt16] {
        patterns.map { Float(bitPattern: $0) }.withUnsafeBufferPointer { FrameFeatures(rounding: $0).bits }
    }

    @Test("rounding is torch's for ties, overflow, infinities, subnormals and zeros")
    func recorded() {
        // f32 and what torch 2.13 makes of it with `.to(torch.bfloat16)`.
        let recorded: [(UInt32, UInt16)] = [
            (0x3F80_8000, 0x3F80), (0x3F81_8000, 0x3F82), (0x3F80_8001, 0x3F81), (0x3F80_7FFF, 0x3F80),
            (0xBF80_8000, 0xBF80), (0xBF81_8000, 0xBF82), (0x7F7F_FFFF, 0x7F80), (0x7F7F_8000, 0x7F80),
            (0x7F7F_7FFF, 0x7F7F), (0x7F80_0000, 0x7F80), (0xFF80_0000, 0xFF80), (0x0000_0001, 0x0000),
            (0x0000_8000, 0x0000), (0x0000_8001, 0x0001), (0x0001_8000, 0x0002), (0x007F_FFFF, 0x0080),
            (0x807F_FFFF, 0x8080), (0x0000_0000, 0x0000), (0x8000_0000, 0x8000),
        ]
        #expect(rounded(recorded.map(\.0)) == recorded.map(\.1))
    }

    @Test("every bf16 number keeps its bits, and between two of them the nearer one is taken, the even one at a tie")
    func exhaustive() {
        // Up to the largest finite one; the pattern after it is infinity.
        for sign: UInt32 in [0, 0x8000] {
            let lower = (sign...(sign + 0x7F7F)).map { $0 }
            #expect(rounded(lower.map { $0 << 16 }) == lower.map { UInt16($0) })
            #expect(rounded(lower.map { $0 << 16 | 0x7FFF }) == lower.map { UInt16($0) })
            #expect(rounded(lower.map { $0 << 16 | 0x8000 }) == lower.map { UInt16($0 + $0 % 2) })
            #expect(rounded(lower.map { $0 << 16 | 0x8001 }) == lower.map { UInt16($0 + 1) })
        }
    }

    @Test("what is no number stays none", arguments: [0x7F80_0001, 0x7FC0_0000, 0x7FFF_FFFF, 0xFF80_0001, 0xFFFF_8000])
    func notANumber(_ pattern: UInt32) throws {
        let values = [Float(bitPattern: pattern), 1]
        let features = values.withUnsafeBufferPointer { FrameFeatures(rounding: $0) }
        var widened: [Float] = [0, 0]
        widened.withUnsafeMutableBufferPointer { features.write(to: $0) }
        #expect(widened[0].isNaN && widened[1] == 1)
    }

    @Test("widening gives the rounded numbers, and rounding those changes nothing")
    func widening() {
        var random = SplitMix(state: 5)
        let values = (0..<500).map { _ in Float.random(in: -1000...1000, using: &random) }
        let features = values.withUnsafeBufferPointer { FrameFeatures(rounding: $0) }
        var widened = [Float](repeating: 0, count: values.count)
        widened.withUnsafeMutableBufferPointer { features.write(to: $0) }
        // bf16 has 8 significant bits, so a rounded number is off by at most 2^-8 of itself.
        #expect(zip(values, widened).allSatisfy { abs($0 - $1) <= abs($0) / 256 })
        #expect(widened.withUnsafeBufferPointer { FrameFeatures(rounding: $0) } == features)
    }
}
