import Tensor

// Axes: B batch, W numbers of a label.

/// What is known of some pairs beside their pictures: numbers that a head shall predict of the latents.
public struct PairLabels {
    /// W.
    public let width: Int
    /// Zeros where nothing is known, `[B, W]`.
    public let values: Tensor
    /// Of each number in the loss, which add up to 1; 0 where nothing is known.
    public private(set) var weights: Tensor
    /// Numbers that count in the loss.
    public let knownCount: Int

    /// - Parameter values: `[B, W]` flat; nil where nothing is known.
    public init(_ values: [Float?], width: Int, on backend: any Backend) {
        precondition(width > 0 && values.count.isMultiple(of: width), "\(values.count) numbers of labels of \(width)")
        self.width = width
        knownCount = values.count { $0 != nil }
        let shape = [values.count / width, width], share = 1 / Float(max(1, knownCount))
        self.values = backend.tensor(values.map { $0 ?? 0 }, shape)
        weights = backend.tensor(values.map { $0 == nil ? 0 : share }, shape)
    }

    /// The same as part of a batch that ranks share: the mean of the ranks' losses is then the loss of one process that has the
    /// whole batch.
    ///
    /// - Parameter knownByAll: numbers that count in the loss on all ranks.
    public func shared(ranks: Int, knownByAll: Int, on backend: any Backend) -> PairLabels {
        guard knownByAll > 0 else { return self }
        var shared = self
        shared.weights = backend.empty(weights.shape)
        let factor = Float(knownCount * ranks) / Float(knownByAll)
        backend.apply(.affine(factor: factor, offset: 0), to: weights, into: shared.weights)
        return shared
    }
}
