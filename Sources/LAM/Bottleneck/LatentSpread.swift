import Foundation

/// How much each dimension of continuous latents varies from pair to pair: what tells whether it is used at all. Added up
/// wherever sums over batches are wanted.
public struct LatentSpread: Sendable, Equatable, Codable {
    /// A dimension of lower variance counts as unused (Burda et al. 2015).
    public static let activeVariance = 1e-2

    /// What the number of active dimensions is logged as: `active_dimensions`.
    public let name: String
    public var pairs = 0.0
    /// Of each dimension, sums over pairs.
    public var sums: [Double]
    public var squares: [Double]

    public init(dimensions: Int, name: String = "active_dimensions") {
        self.name = name
        sums = [Double](repeating: 0, count: dimensions)
        squares = sums
    }

    /// With sums over some pairs.
    public init(name: String, pairs: Double, sums: [Double], squares: [Double]) {
        precondition(sums.count == squares.count, "\(sums.count) sums, \(squares.count) sums of squares")
        (self.name, self.pairs, self.sums, self.squares) = (name, pairs, sums, squares)
    }

    public var dimensions: Int { sums.count }

    public var variances: [Double] {
        zip(sums, squares).map { sum, square in
            pairs > 0 ? max(0, square / pairs - (sum / pairs) * (sum / pairs)) : 0
        }
    }

    /// Dimensions that vary.
    public var active: Int { variances.count { $0 > Self.activeVariance } }

    /// Those of a batch around its own means: what may be added up over steps, between which all latents move.
    public var withinBatch: LatentSpread {
        let centred = zip(sums, squares).map { sum, square in pairs > 0 ? max(0, square - sum * sum / pairs) : 0 }
        return LatentSpread(
            name: name, pairs: max(0, pairs - 1), sums: [Double](repeating: 0, count: dimensions), squares: centred)
    }

    /// All sums in one order, for sending; those of ranks add up.
    public var values: [Double] { [pairs] + sums + squares }

    /// The same dimensions with other sums.
    public func with(_ values: [Double]) -> LatentSpread {
        precondition(values.count == 1 + 2 * dimensions, "\(values.count) sums of \(dimensions) dimensions")
        return LatentSpread(
            name: name, pairs: values[0], sums: Array(values[1...dimensions]),
            squares: Array(values[(dimensions + 1)...]))
    }

    public static func += (sums: inout LatentSpread, other: LatentSpread) {
        precondition(
            sums.name == other.name && sums.dimensions == other.dimensions,
            "\(other.dimensions) of \(other.name) for \(sums.dimensions) of \(sums.name)")
        sums = sums.with(zip(sums.values, other.values).map { $0 + $1 })
    }
}
