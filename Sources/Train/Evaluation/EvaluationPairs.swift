import Collectives
import Configuration
import LAMData

/// Which pairs an evaluation looks at: all of a split, or some that are spread evenly over its episodes, the same ones each
/// time and on every number of ranks.
struct EvaluationPairs {
    let sources: [StreamSource]
    let split: EpisodeSplit
    private let options: StreamOptions
    private let features: FeatureCache?
    private let group: any ProcessGroup
    private let order: SequentialOrder
    /// Nil where all pairs are looked at.
    private let places: [Int]?

    /// - Parameter limit: global batches to look at.
    /// - Throws: `StreamError` where the split has no pairs.
    init(
        _ sources: [StreamSource], _ options: StreamOptions, split: EpisodeSplit, limit: BatchLimit,
        group: any ProcessGroup, features: FeatureCache?
    ) throws {
        (self.sources, self.options, self.split, self.group) = (sources, options, split, group)
        self.features = features
        order = try FramePairStream.order(sources: sources, options, split: split)
        let globalBatch = options.batchSize * group.size
        let batches = (order.count + globalBatch - 1) / globalBatch
        let wanted = limit.count(of: batches) ?? batches
        places =
            wanted >= batches
            ? nil : EvenDraw.places(max(0, wanted) * globalBatch, of: order.count, seed: options.seed)
    }

    /// Pairs of the split, and those of them that are looked at.
    var total: Int { order.count }
    var count: Int { places?.count ?? order.count }
    var seed: UInt64 { options.seed }
    var batchSize: Int { options.batchSize }

    /// The smallest number of frames between the frames of a dataset's pairs.
    func smallestSpan(ofDataset dataset: Int) -> Int {
        let source = sources[dataset]
        return options.windowRule(name: source.name, fps: source.fps, place: dataset).frames.lowerBound - 1
    }

    /// This rank's share of the pairs, numbered from 0 in their order over all ranks.
    func stream() throws -> FramePairStream { try stream(places, batchSize: options.batchSize) }

    /// This rank's share of some of them.
    func stream(ofSamples samples: [Int]) throws -> FramePairStream {
        try stream(samples.map(place), batchSize: options.batchSize)
    }

    /// This rank's share of pairs that follow each other: of each two in a row that are on the same rank and in the same batch,
    /// the second begins with the frame that the first ends with.
    ///
    /// - Parameter samples: those that one follows on are taken, at most `count` of them.
    func stream(ofSuccessors samples: [Int], atMost count: Int) throws -> FramePairStream {
        let followed = samples.compactMap { sample in order.successor(of: place(sample)).map { [place(sample), $0] } }
        let chosen = EvenDraw.places(count, of: followed.count, seed: options.seed).flatMap { followed[$0] }
        return try stream(chosen, batchSize: max(2, options.batchSize / 2 * 2))
    }

    private func place(_ sample: Int) -> Int { places?[sample] ?? sample }

    private func stream(_ places: [Int]?, batchSize: Int) throws -> FramePairStream {
        var options = options
        options.batchSize = batchSize
        return try FramePairStream(
            sources: sources, options, split: split, rank: group.rank, worldSize: group.size, places: places,
            features: features)
    }
}
