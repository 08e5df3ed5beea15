import Foundation

/// A counter-based random generator: the one source of randomness in the project.
///
/// A stream of numbers is named by a seed, a purpose and any number of integers (epoch, rank, sample …); streams
/// with different names are independent, so that a consumer which draws more or fewer numbers never shifts another
/// one. The state is three words: it can be saved, restored and moved to any position in constant time, and the
/// numbers are the same on every machine and with every compiler.
///
/// Method: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
public struct RandomGenerator: RandomNumberGenerator, Hashable, Codable, Sendable {
    private let key: UInt64
    private let stream: UInt64
    /// Blocks of 128 bits consumed so far.
    public private(set) var position: UInt64

    /// The stream of numbers named (`seed`, `purpose`, `indices`), at its beginning.
    ///
    /// - Parameters:
    ///   - seed: The user's seed.
    ///   - purpose: What the numbers are for, for example `"augment"`; streams of different purposes never meet.
    ///   - indices: Further coordinates, for example dataset, pass and sample. `[1]` and `[1, 0]` differ.
    public init(seed: UInt64, purpose: String, _ indices: Int...) {
        // Each word of the name is absorbed by one application of the block function, which is a strong mixer; the
        // lengths come first so that no two names flatten to the same words.
        var state = (key: seed, chain: 0x6C61_6D2D_7365_6564 as UInt64)
        func absorb(_ word: UInt64) {
            state = Self.block(counter: (word, state.chain), key: state.key)
        }
        absorb(UInt64(purpose.utf8.count) << 32 | UInt64(indices.count))
        var packed: UInt64 = 0
        var filled = 0
        for byte in purpose.utf8 {
            packed = packed << 8 | UInt64(byte)
            filled += 1
            if filled == 8 {
                absorb(packed)
                (packed, filled) = (0, 0)
            }
        }
        if filled > 0 { absorb(packed) }
        for index in indices { absorb(UInt64(bitPattern: Int64(index))) }
        (key, stream) = state
        position = 0
    }

    /// The next 128 random bits.
    public mutating func nextBlock() -> (UInt64, UInt64) {
        let bits = Self.block(counter: (position, stream), key: key)
        position &+= 1
        return (bits.key, bits.chain)
    }

    /// The next 64 random bits.
    public mutating func next() -> UInt64 { nextBlock().0 }

    /// A uniform number in [0, 1), a multiple of 2⁻⁵³.
    public mutating func uniform() -> Double { Self.unit(next()) }

    /// A uniform number between the bounds. Equal bounds give that number and still consume one draw.
    public mutating func uniform(in range: ClosedRange<Double>) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * uniform()
    }

    /// A uniform integer in `0 ..< bound`, without bias.
    ///
    /// Method: Lemire, "Fast random integer generation in an interval", TOMACS 2019.
    public mutating func integer(below bound: Int) -> Int {
        precondition(bound > 0, "integer(below:) needs a positive bound, got \(bound)")
        let range = UInt64(bound)
        var product = next().multipliedFullWidth(by: range)
        if product.low < range {
            let threshold = (0 &- range) % range
            while product.low < threshold { product = next().multipliedFullWidth(by: range) }
        }
        return Int(product.high)
    }

    /// A uniform integer between the bounds, both included.
    public mutating func integer(in range: ClosedRange<Int>) -> Int {
        let (count, overflow) = (range.upperBound &- range.lowerBound).addingReportingOverflow(1)
        precondition(!overflow && count > 0, "integer(in:) cannot span \(range)")
        return range.lowerBound + integer(below: count)
    }

    /// Two independent standard normal numbers.
    ///
    /// Method: Box and Muller 1958, one 128-bit block for the pair.
    public mutating func normalPair() -> (Double, Double) {
        let (first, second) = nextBlock()
        // 1 − u lies in (0, 1], where the logarithm is finite.
        let radius = (-2 * log(1 - Self.unit(first))).squareRoot()
        let angle = 2 * Double.pi * Self.unit(second)
        return (radius * cos(angle), radius * sin(angle))
    }

    /// A standard normal number.
    public mutating func normal() -> Double { normalPair().0 }

    /// Shuffles in place; every order is equally likely (Fisher and Yates).
    public mutating func shuffle<Elements: MutableCollection & RandomAccessCollection>(_ elements: inout Elements)
    where Elements.Index == Int {
        var remaining = elements.count
        while remaining > 1 {
            let chosen = elements.startIndex + integer(below: remaining)
            remaining -= 1
            elements.swapAt(elements.startIndex + remaining, chosen)
        }
    }

    /// A random order of `0 ..< count`.
    public mutating func permutation(_ count: Int) -> [Int] {
        var order = Array(0..<count)
        shuffle(&order)
        return order
    }

    /// The numbers of Philox4x32-10 for one counter and key, low 32-bit words first, as two 64-bit words.
    package static func block(counter: (UInt64, UInt64), key: UInt64) -> (key: UInt64, chain: UInt64) {
        var (x0, x1) = (UInt32(truncatingIfNeeded: counter.0), UInt32(truncatingIfNeeded: counter.0 >> 32))
        var (x2, x3) = (UInt32(truncatingIfNeeded: counter.1), UInt32(truncatingIfNeeded: counter.1 >> 32))
        var (k0, k1) = (UInt32(truncatingIfNeeded: key), UInt32(truncatingIfNeeded: key >> 32))
        for _ in 0..<10 {
            let a = x0.multipliedFullWidth(by: 0xD251_1F53)
            let b = x2.multipliedFullWidth(by: 0xCD9E_8D57)
            (x0, x1, x2, x3) = (b.high ^ x1 ^ k0, b.low, a.high ^ x3 ^ k1, a.low)
            k0 &+= 0x9E37_79B9
            k1 &+= 0xBB67_AE85
        }
        return (UInt64(x1) << 32 | UInt64(x0), UInt64(x3) << 32 | UInt64(x2))
    }

    private static func unit(_ bits: UInt64) -> Double { Double(bits >> 11) * 0x1p-53 }
}
