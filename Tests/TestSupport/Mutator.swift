/// Damages files in ways that parsers are known to trip over, the same way for the same seed.
public struct Mutator: RandomNumberGenerator {
    private var state: UInt64
    /// Bytes that mean something to the format, such as opcodes or punctuation.
    private let vocabulary: [UInt8]

    public init(seed: UInt64, vocabulary: [UInt8]) {
        state = seed
        self.vocabulary = vocabulary
    }

    /// SplitMix64.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }

    /// One to six edits, most of them within `hot`, where the file's structure lies.
    public mutating func mutate(_ bytes: [UInt8], hot: Range<Int>) -> [UInt8] {
        var result = bytes
        for _ in 0..<Int.random(in: 1...6, using: &self) where !result.isEmpty {
            let region = Int.random(in: 0..<4, using: &self) > 0 ? hot.clamped(to: 0..<result.count) : 0..<result.count
            guard !region.isEmpty else { continue }
            let position = Int.random(in: region, using: &self)
            switch Int.random(in: 0..<8, using: &self) {
            case 0: result[position] ^= 1 << UInt8.random(in: 0..<8, using: &self)
            case 1: result[position] = UInt8.random(in: .min ... .max, using: &self)
            case 2: result[position] = vocabulary.randomElement(using: &self) ?? 0
            case 3: result.insert(vocabulary.randomElement(using: &self) ?? 0, at: position)
            case 4:
                let end = min(position + Int.random(in: 1...16, using: &self), result.count)
                result.removeSubrange(position..<end)
            case 5:
                // An extreme number, where there may be a length or an offset.
                let extreme: [UInt8] = [0x00, 0x7F, 0x80, 0xFF]
                let value = extreme.randomElement(using: &self) ?? 0
                let width = [1, 2, 4, 8].randomElement(using: &self) ?? 1
                for index in position..<min(position + width, result.count) { result[index] = value }
            case 6:
                let source = Int.random(in: region, using: &self)
                let length = min(Int.random(in: 1...32, using: &self), result.count - max(source, position))
                let copied = Array(result[source..<source + length])
                result.replaceSubrange(position..<position + length, with: copied)
            default:
                if Int.random(in: 0..<20, using: &self) == 0 { result.removeSubrange(position...) }
            }
        }
        return result
    }
}
