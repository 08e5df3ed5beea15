extension FramePairBatch {
    /// So many of the pairs, of as many different episodes as there are, in their order.
    ///
    /// Needs a batch with pixels.
    public func spread(_ count: Int) -> FramePairBatch {
        precondition(features.isEmpty, "a batch of features has no pictures")
        var taken: [String: Int] = [:]
        let ranks = samples.map { sample in
            let episode = "\(sample.episode) \(sample.dataset)"
            defer { taken[episode, default: 0] += 1 }
            return taken[episode, default: 0]
        }
        let chosen = samples.indices.sorted { (ranks[$0], $0) < (ranks[$1], $1) }.prefix(count).sorted()
        let length = 2 * 3 * resolution * resolution
        var batch = self
        batch.samples = chosen.map { samples[$0] }
        batch.frames = chosen.flatMap { Array(frames[2 * $0..<2 * $0 + 2]) }
        batch.pixels = chosen.flatMap { pixels[$0 * length..<($0 + 1) * length] }
        return batch
    }
}
