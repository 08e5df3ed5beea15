import Foundation
import Hub

/// Batches of frame pairs of a mix of datasets, read, augmented and laid out ahead of time by worker threads.
///
///     let stream = try FramePairStream(options, split: .train)
///     while let batch = try stream.next() { … }
///
/// The sequence of batches depends on the options, the datasets and the rank alone, not on threads or timing. For use
/// by one thread at a time; letting go of the stream ends its threads.
public final class FramePairStream {
    /// What the stream takes from one dataset.
    public struct DatasetSummary: Sendable, Hashable {
        public var name: String
        /// Share of the samples, weights normalised to sum 1.
        public var share: Double
        public var fps: Double
        public var camera: String
        /// Frames that a pair spans, smallest and largest.
        public var window: ClosedRange<Int>
        /// Episodes of this split and their frames.
        public var episodes: Int
        public var frames: Int
        /// Pairs in one pass over the split.
        public var pairs: Int
        /// Episodes that are too short for the smallest window and yield nothing.
        public var shortEpisodes: Int
    }

    /// In the order of the mix.
    public let datasets: [DatasetSummary]
    /// Frames of the split, over all datasets.
    public let framesInMix: Int
    /// Pairs of the split, over all datasets: the samples of an epoch over all ranks.
    public let pairsPerEpoch: Int
    /// Where the consumer stands: after the batch that `next()` returned last.
    public private(set) var state: StreamState
    /// All that the order of samples depends on, as one text.
    public var fingerprint: String {
        state.fingerprint.sorted { $0.key < $1.key }.map { "\($0): \($1)" }.joined(separator: "; ")
    }
    /// Seconds that `next()` has waited for batches since the beginning.
    public private(set) var waitedSeconds = 0.0

    /// What the stream takes at most; nil for sources that were not opened from a mix.
    public let memory: StreamMemory?
    /// Samples that were bad and replaced, in the batches taken so far.
    public private(set) var skippedSamples = 0

    private let maxSkips: Int
    private let queue: BatchQueue
    private let sources: [StreamSource]
    private let pairs: [EpisodePairs]
    private let resolution: Int
    private let views: Int
    private let framesPerSample: Int

    /// Opens the datasets of a mix and starts reading.
    ///
    /// - Parameters:
    ///   - split: Training is endless and shuffled; the others are finite, in order and without augmentation.
    ///   - rank: This process among `worldSize`; of each global batch it takes the samples from `rank * batchSize` on.
    ///   - state: Continues after this point instead of starting at the beginning, on any number of ranks.
    ///   - hub: Where datasets that are not on this disk come from.
    /// - Throws: `StreamError`; `DataError` for what is wrong inside a dataset.
    public convenience init(
        _ options: StreamOptions, split: EpisodeSplit = .train, rank: Int = 0, worldSize: Int = 1,
        restoring state: StreamState? = nil, hub: HubAccess? = nil
    ) throws {
        try options.validate()
        try self.init(
            sources: StreamSource.open(options, hub: hub), options, split: split, rank: rank, worldSize: worldSize,
            restoring: state)
    }

    /// A stream over sources that are open already; `options.datasetMix` and `root` are not looked at.
    ///
    /// - Parameters:
    ///   - places: of a finite split, the pairs to show, by their places among all of the split; nil for all.
    ///   - features: a cache of the same sources and options. Frames that it has are not decoded; their batch
    ///     has features in place of pixels.
    /// - Throws: `StreamError`; `.invalidOption` for a cache of frames that are augmented.
    public init(
        sources: [StreamSource], _ options: StreamOptions, split: EpisodeSplit = .train, rank: Int = 0,
        worldSize: Int = 1, restoring state: StreamState? = nil, places: [Int]? = nil, features: FeatureCache? = nil
    ) throws {
        precondition(places == nil || (split != .train && state == nil), "places of an endless or continued stream")
        var options = options
        options.datasetMix = sources.map { StreamOptions.MixEntry($0.name, $0.weight) }
        try options.validate()
        guard worldSize > 0, rank >= 0, rank < worldSize else {
            throw StreamError.invalidRank(rank: rank, worldSize: worldSize)
        }
        let isAugmented = options.imageAug && split == .train
        guard features == nil || !isAugmented else {
            throw StreamError.invalidOption(
                key: "image_aug", expected: "false with a feature cache, as an augmented frame is new each time",
                got: "true")
        }
        let pairs = try Self.pairs(of: sources, options, split: split)
        let weights = options.datasetMix.reduce(0) { $0 + $1.weight }
        datasets = zip(sources, pairs).map { source, pairs in
            DatasetSummary(
                name: source.name, share: source.weight / weights, fps: source.fps, camera: source.camera,
                window: pairs.window.frames, episodes: pairs.episodeCount, frames: pairs.frames, pairs: pairs.count,
                shortEpisodes: pairs.shortEpisodes)
        }
        framesInMix = datasets.reduce(0) { $0 + $1.frames }
        pairsPerEpoch = datasets.reduce(0) { $0 + $1.pairs }
        self.sources = sources
        self.pairs = pairs
        resolution = options.resolution
        maxSkips = options.maxSkips
        memory = sources.first?.memory

        let fingerprint = StreamState.fingerprint(sources: sources, options: options, split: split)
        try state?.check(against: fingerprint, datasets: sources.count)
        let order: any SampleOrder
        if split == .train {
            order = InterleavedOrder(
                datasets: zip(sources, pairs).map { (pairs: $1, weight: $0.weight) },
                localities: sources.map(\.locality), bufferSize: options.bufferSize, seed: options.seed,
                position: state?.position ?? 0, drawn: state?.drawn)
        } else {
            let position = state?.position ?? 0
            guard position <= pairsPerEpoch else {
                throw StreamError.invalidState(reason: "position \(position) of \(pairsPerEpoch) pairs")
            }
            let all = SequentialOrder(
                datasets: pairs, localities: sources.map(\.locality), seed: options.seed, position: position)
            order = places.map { ListedOrder(all, places: $0) } ?? all
        }
        self.state = StreamState(position: order.position, drawn: order.drawn, fingerprint: fingerprint)

        let batchSize = options.batchSize
        queue = BatchQueue(order: order, prefetch: options.prefetch) {
            try BatchPlan.next(from: &$0, size: batchSize, rank: rank, worldSize: worldSize)
        }
        let augmentation = PairAugmentation(
            resolution: options.resolution, imageAug: isAugmented, crop: options.crop,
            augmentPair: options.augmentPair)
        let views = PairViews(options, isAugmented: isAugmented)
        self.views = views.count
        framesPerSample = split == .train ? options.frames : 2
        let seed = options.seed
        let (onBadSample, blanksBadSamples) = (options.onBadSample, options.blanksBadSamples)
        let maxSkips = options.maxSkips
        for number in 0..<options.workerCount {
            queue.startWorker("lam.data.\(number)") {
                PairLoader(
                    sources: sources, pairs: pairs, augmentation: augmentation, views: views, seed: seed,
                    onBadSample: onBadSample, maxSkips: maxSkips, blanksBadSamples: blanksBadSamples, features: features
                )
            }
        }
    }

    deinit { queue.stop() }

    /// The next batch; waits until it is there.
    ///
    /// - Returns: `nil` at the end of a finite split; training never ends.
    /// - Throws: `StreamError`, naming dataset, episode and frames; the stream stays at its position.
    public func next() throws -> FramePairBatch? {
        let start = ContinuousClock.now
        let taken = try queue.take()
        waitedSeconds += (ContinuousClock.now - start) / .seconds(1)
        guard let (plan, pairs) = taken else { return nil }
        skippedSamples += pairs.skipped.count
        if let last = pairs.skipped.last, skippedSamples > maxSkips {
            throw StreamError.tooManySkips(limit: maxSkips, last: last)
        }
        state.position = plan.position
        state.drawn = plan.drawn
        let samples = pairs.references.map { reference in
            let source = sources[reference.dataset]
            let episode = source.episodes[reference.pair.episode]
            return FramePairBatch.Sample(
                sample: reference.sample, dataset: source.name, episode: episode.index, frame: reference.pair.frame,
                target: reference.pair.target, window: reference.pair.window, isPad: reference.pair.isPad,
                task: episode.task(at: reference.pair.frame) ?? "")
        }
        return FramePairBatch(
            pixels: pairs.pixels, features: pairs.features, frames: pairs.references.flatMap(\.frames),
            resolution: resolution, samples: samples,
            framesPerSample: framesPerSample, views: views, skipped: pairs.skipped)
    }

    /// How many pairs a finite split has, and which of them follow each other.
    ///
    /// - Throws: as opening a stream of the split does.
    package static func order(
        sources: [StreamSource], _ options: StreamOptions, split: EpisodeSplit
    ) throws -> SequentialOrder {
        var options = options
        options.datasetMix = sources.map { StreamOptions.MixEntry($0.name, $0.weight) }
        return SequentialOrder(datasets: try pairs(of: sources, options, split: split), seed: options.seed)
    }

    /// How many episodes of all datasets a split has, and how many there are; those that are too short for a pair do not count.
    ///
    /// - Throws: as opening a stream of the split does.
    package static func episodes(
        sources: [StreamSource], _ options: StreamOptions, split: EpisodeSplit
    ) throws -> (chosen: Int, total: Int) {
        var options = options
        options.datasetMix = sources.map { StreamOptions.MixEntry($0.name, $0.weight) }
        func count(_ split: EpisodeSplit) throws -> Int {
            try pairs(of: sources, options, split: split).reduce(0) { $0 + $1.positions.count }
        }
        return (try count(split), try count(.all))
    }

    /// Places, in the dataset's table, of the episodes of this split that yield pairs.
    package func episodes(ofDataset dataset: Int) -> [Int] { pairs[dataset].positions }

    static func pairs(
        of sources: [StreamSource], _ options: StreamOptions, split: EpisodeSplit
    ) throws -> [EpisodePairs] {
        let pairs = try sources.enumerated().map { place, source in
            let window = options.windowRule(name: source.name, fps: source.fps, place: place)
            let lengths = source.episodes.map(\.length)
            let frameCount = split == .train ? options.frames : 2
            func pairs(_ positions: some Sequence<Int>) -> EpisodePairs {
                EpisodePairs(
                    episodes: positions.lazy.map { (position: $0, length: lengths[$0]) }, window: window,
                    padAtEnd: options.padAtEnd, frameCount: frameCount, file: { source.episodes[$0].file })
            }
            func isUsable(_ length: Int) -> Bool {
                EpisodePairs.starts(
                    length: length, window: window, padAtEnd: options.padAtEnd, frameCount: frameCount) > 0
            }
            func span(_ frames: Int) -> Int { (frameCount - 1) * (frames - 1) + 1 }
            guard lengths.contains(where: isUsable) else {
                let range = lengths.min().flatMap { low in lengths.max().map { low...$0 } }
                throw StreamError.noPairs(
                    dataset: source.name, episodes: lengths.count, lengths: range,
                    window: span(window.frames.lowerBound)...span(window.frames.upperBound))
            }
            return pairs(
                split.episodes(
                    lengths: lengths, name: source.name, valFraction: options.valFraction, seed: options.seed,
                    usable: isUsable))
        }
        if split == .val, pairs.allSatisfy({ $0.count == 0 }) {
            throw StreamError.nothingHeldOut(datasets: sources.map(\.name), valFraction: options.valFraction)
        }
        return pairs
    }
}
