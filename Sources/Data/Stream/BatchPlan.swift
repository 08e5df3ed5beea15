/// One batch by reference: which samples, read in which portions, and where the stream stands after it.
struct BatchPlan: Sendable {
    var references: [SampleReference]
    /// Slots of `references` that are read together: all of one episode, in the order of frames, so that a reader
    /// decodes forwards through a video.
    var portions: [[Int]]
    /// Global position after the batch, on all ranks.
    var position: Int
    var drawn: [Int]

    /// Few enough that a batch keeps several threads busy.
    private static let largestPortion = 8

    private init(references: [SampleReference], position: Int, drawn: [Int]) {
        self.references = references
        self.position = position
        self.drawn = drawn
        let sorted = references.indices.sorted {
            let (a, b) = (references[$0], references[$1])
            return (a.dataset, a.pair.episode, a.pair.frame, $0) < (b.dataset, b.pair.episode, b.pair.frame, $1)
        }
        var portions: [[Int]] = []
        for slot in sorted {
            if let last = portions.last, last.count < Self.largestPortion,
                references[last[0]].dataset == references[slot].dataset,
                references[last[0]].pair.episode == references[slot].pair.episode
            {
                portions[portions.count - 1].append(slot)
            } else {
                portions.append([slot])
            }
        }
        self.portions = portions
    }

    /// Takes the next batch of one rank from the global order. Of `size * worldSize` samples each rank takes `size` that
    /// follow each other, so that ranks are disjoint, together take what a single one would, and neighbours in a video
    /// stay on one rank.
    ///
    /// - Returns: `nil` at the end of a finite order; the last batch may be short.
    static func next(
        from order: inout any SampleOrder, size: Int, rank: Int, worldSize: Int
    ) throws -> BatchPlan? {
        var references: [SampleReference] = []
        for _ in 0..<rank * size { order.skip() }
        while references.count < size, let reference = try order.next() { references.append(reference) }
        for _ in 0..<(worldSize - rank - 1) * size { order.skip() }
        guard !references.isEmpty else { return nil }
        return BatchPlan(references: references, position: order.position, drawn: order.drawn)
    }
}
