import Randomness

/// In how many draws of the augmentation each pair is there, and for how many pairs one draw is.
struct PairViews: Sendable, Hashable {
    /// 1, or 2 for a model whose decoder sees another draw than its encoder.
    let count: Int
    /// Pairs of a process's batch, which share each draw; nil where every pair has its own.
    let sharedBy: Int?

    init(_ options: StreamOptions, isAugmented: Bool) {
        count = isAugmented && options.dualViewAug ? 2 : 1
        sharedBy = options.augmentDraws == .batch ? options.batchSize : nil
    }

    /// The generator of a view of a sample, the same whatever thread or rank makes it.
    ///
    /// - Parameter sample: its place in the global order of all ranks, of which each rank's batch is a run.
    func generator(ofView view: Int, sample: Int, seed: UInt64) -> RandomGenerator {
        let purpose = view == 0 ? "augment" : "augment view \(view)"
        guard let sharedBy else { return RandomGenerator(seed: seed, purpose: purpose, sample) }
        return RandomGenerator(seed: seed, purpose: "\(purpose) batch", sample / sharedBy)
    }
}
