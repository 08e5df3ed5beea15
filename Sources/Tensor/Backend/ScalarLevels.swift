import Foundation

/// How finite scalar quantisation rounds each channel of a latent (Mentzer et al. 2023, arXiv 2309.15505).
///
/// Channel i with L levels becomes `b = tanh(x + shift) * half - offset`, which is rounded to the nearest integer, halves to
/// even, and divided by `L / 2` rounded down: L values from -1 to 1. A latent's index is that of its digits, the first
/// channel's fastest.
public struct ScalarLevels: Sendable, Equatable {
    /// How a channel is bounded.
    public enum Bound: String, Sendable, CaseIterable {
        /// The paper's appendix: `half = (L - 1) (1 - eps) / 2`, `shift = tan(offset / half)`.
        case paper
        /// That of widespread code: `half = (L - 1) (1 + eps) / 2`, `shift = artanh(offset / half)`.
        case atanh
    }

    static let epsilon = 1e-3

    /// Levels of each channel.
    public let levels: [Int]
    public let half: [Float]
    public let offset: [Float]
    public let shift: [Float]

    /// - Parameter levels: 2 or more of each channel, at least one channel.
    public init(_ levels: [Int], bound: Bound = .paper) {
        precondition(!levels.isEmpty && levels.allSatisfy { $0 >= 2 }, "levels \(levels)")
        self.levels = levels
        let sign = bound == .paper ? -1.0 : 1.0
        let halves = levels.map { Double($0 - 1) * (1 + sign * Self.epsilon) / 2 }
        let offsets = levels.map { $0.isMultiple(of: 2) ? 0.5 : 0 }
        half = halves.map { Float($0) }
        offset = offsets.map { Float($0) }
        shift = zip(offsets, halves).map { offset, half in
            Float(bound == .paper ? Foundation.tan(offset / half) : Foundation.atanh(offset / half))
        }
    }

    public var channels: Int { levels.count }
    /// Different latents that there are.
    public var codeCount: Int { levels.product }

    /// All latents in the order of their indices, `[codes, channels]`.
    public var codebook: [Float] {
        (0..<codeCount).flatMap { index in
            var rest = index
            return levels.map { count in
                defer { rest /= count }
                return Float(rest % count - count / 2) / Float(count / 2)
            }
        }
    }
}
