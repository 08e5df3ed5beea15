import Randomness

/// Which episodes a stream shows.
public enum EpisodeSplit: String, Sendable, CaseIterable {
    /// All but the held-out ones, shuffled and without end.
    case train
    /// The held-out ones, in order, once, without augmentation.
    case val
    /// All, in order, once, without augmentation: for prediction.
    case all

    /// Chooses episodes of one dataset.
    ///
    /// Whole episodes are held out, since neighbouring frames are nearly equal. The choice depends on the seed and the
    /// dataset's name alone, not on what else is in the mix. Where anything is held out, each side gets at least one
    /// usable episode; a dataset with a single usable one stays in training.
    ///
    /// - Parameters:
    ///   - lengths: Frames of every episode; only `usable` ones take part in the draw.
    ///   - valFraction: Share of the usable episodes to hold out, in [0, 1).
    /// - Returns: Positions in `lengths`, ascending.
    package func episodes(
        lengths: [Int], name: String, valFraction: Double, seed: UInt64, usable: (Int) -> Bool
    ) -> [Int] {
        if self == .all { return Array(lengths.indices) }
        let candidates = lengths.indices.filter { usable(lengths[$0]) }
        var held: Set<Int> = []
        if valFraction > 0, candidates.count > 1 {
            let wanted = Int((Double(candidates.count) * valFraction).rounded())
            var generator = RandomGenerator(seed: seed, purpose: "split \(name)")
            let order = generator.permutation(candidates.count)
            held = Set(order.prefix(max(1, min(candidates.count - 1, wanted))).map { candidates[$0] })
        }
        return lengths.indices.filter { held.contains($0) == (self == .val) }
    }
}
