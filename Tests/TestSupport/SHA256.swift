/// SHA-256 as in FIPS 180-4, for comparing pictures with recorded digests.
public enum SHA256 {
    /// Fractional parts of the square (`initial`) and cube (`constants`) roots of the first primes.
    private static let primes: [Int] = (2...311).filter { n in !(2..<n).contains { n % $0 == 0 } }
    private static let initial = primes.prefix(8).map { fraction(Double($0).squareRoot()) }
    private static let constants: [UInt32] = primes.map { prime in
        // Integer cube root of prime · 2^96, since Double has not enough digits to be sure of the 32nd.
        var low: UInt64 = 0
        var high: UInt64 = 1 << 36
        while low + 1 < high {
            let middle = (low + high) / 2
            if cube(middle, isAtMost: prime) { low = middle } else { high = middle }
        }
        return UInt32(truncatingIfNeeded: low)
    }

    private static func fraction(_ root: Double) -> UInt32 {
        UInt32((root - root.rounded(.down)) * 4_294_967_296)
    }

    /// root³ ≤ prime · 2^96, by long multiplication.
    private static func cube(_ root: UInt64, isAtMost prime: Int) -> Bool {
        let square = root.multipliedFullWidth(by: root)
        let low = square.low.multipliedFullWidth(by: root)
        let high = square.high * root + low.high
        let limit = UInt64(prime) << 32
        return high < limit || (high == limit && low.low == 0)
    }

    public static func hexadecimal(of message: [UInt8]) -> String {
        var state = initial
        let padding = (119 - message.count % 64) % 64
        let length = (0..<8).map { UInt8(truncatingIfNeeded: (UInt64(message.count) * 8) >> UInt64(56 - 8 * $0)) }
        let padded = message + [0x80] + [UInt8](repeating: 0, count: padding) + length
        padded.withUnsafeBufferPointer { bytes in
            var words = [UInt32](repeating: 0, count: 64)
            for block in stride(from: 0, to: bytes.count, by: 64) { compress(bytes, block, &words, &state) }
        }
        return state.map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 8 - digits.count) + digits
        }.joined()
    }

    private static func compress(
        _ bytes: UnsafeBufferPointer<UInt8>, _ block: Int, _ words: inout [UInt32], _ state: inout [UInt32]
    ) {
        func rotate(_ value: UInt32, _ count: UInt32) -> UInt32 { value >> count | value << (32 - count) }
        for i in 0..<16 {
            let at = block + 4 * i
            words[i] =
                UInt32(bytes[at]) << 24 | UInt32(bytes[at + 1]) << 16 | UInt32(bytes[at + 2]) << 8
                | UInt32(bytes[at + 3])
        }
        for i in 16..<64 {
            let a = words[i - 15]
            let b = words[i - 2]
            words[i] =
                words[i - 16] &+ (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) &+ words[i - 7]
                &+ (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10)
        }
        var s = state
        for i in 0..<64 {
            let choice = s[4] & s[5] ^ ~s[4] & s[6]
            let majority = s[0] & s[1] ^ s[0] & s[2] ^ s[1] & s[2]
            let first =
                s[7] &+ (rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25)) &+ choice &+ constants[i] &+ words[i]
            let second = (rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22)) &+ majority
            s = [first &+ second, s[0], s[1], s[2], s[3] &+ first, s[4], s[5], s[6]]
        }
        for i in 0..<8 { state[i] = state[i] &+ s[i] }
    }
}
