import Datasets
import Foundation

/// Something that holds for the datasets whose name contains `pattern`, in any case.
public protocol NameRule: Sendable, Hashable {
    var pattern: String { get }
}

extension Sequence where Element: NameRule {
    /// The first rule that holds for a dataset.
    func first(for dataset: String) -> Element? {
        let name = dataset.lowercased()
        // Foundation finds no empty text in another.
        return first { $0.pattern.isEmpty || name.contains($0.pattern.lowercased()) }
    }
}

/// What a stream of frame pairs is made of; the section `data` of a configuration. Every field is the YAML key in camel
/// case.
public struct StreamOptions: Sendable, Hashable {
    /// One dataset and its share; the original writes `["lerobot/pusht", 2.0]`.
    public struct MixEntry: Sendable, Hashable {
        /// An absolute path, a path below `root` (of a LeRobot folder, an HDF5 file or a folder of such), or a
        /// repository of the hub, `org/name` or `org/name@revision`; also what the window rule goes by (of an absolute
        /// path the last part).
        public var name: String
        /// Share among the weights of all entries; finite and positive.
        public var weight: Double

        public init(_ name: String, _ weight: Double) {
            (self.name, self.weight) = (name, weight)
        }
    }

    /// Cameras for the datasets whose name contains `pattern`, in any case. With several, each one's pictures are samples of
    /// their own.
    public struct ImageKey: NameRule {
        public var pattern: String
        /// At least one.
        public var keys: [String]

        public init(pattern: String, keys: [String]) {
            (self.pattern, self.keys) = (pattern, keys)
        }

        public init(pattern: String, key: String) { self.init(pattern: pattern, keys: [key]) }
    }

    /// Frames per second of the HDF5 datasets and folders of videos whose name contains `pattern`, in any case.
    public struct Rate: NameRule {
        public var pattern: String
        /// Finite and above 0.
        public var fps: Double

        public init(pattern: String, fps: Double) {
            (self.pattern, self.fps) = (pattern, fps)
        }
    }

    /// Datasets and their shares. At every sample one is drawn independently.
    public var datasetMix: [MixEntry]
    /// Folder below which the names of the mix lie.
    public var root: String?
    /// Branch, tag or commit of datasets that come from the hub and name none of their own; nil takes `main`.
    public var revision: String?
    /// Bound on what is kept of files from the hub, in units of 2^30 bytes.
    public var hubCacheGiB = 100.0
    /// Pairs in a batch of one rank.
    public var batchSize = 64
    /// Height and width of the pictures in a batch, in pixels.
    public var resolution = 224
    /// Random crop and colours in training; validation never has them.
    public var imageAug = true
    /// References in each dataset's shuffle buffer. Larger mixes more episodes and opens more videos; memory hardly
    /// grows, no pictures are kept.
    public var bufferSize = 1000
    /// Names the whole order: same seed, same samples.
    public var seed: UInt64 = 42
    /// Frames that a pair spans.
    public var window: WindowOption = .auto
    /// Seconds that a pair spans, by dataset; the first match wins, else `window` says it in frames.
    public var windowSeconds: [WindowSeconds] = []
    /// The same by what the model says of datasets; asked behind `windowSeconds`.
    public var kindWindows: [WindowSeconds] = []
    /// Frames of a training sample: a pair, or several that are a window apart.
    public var frames = 2
    /// Pairs at the end of an episode.
    public var padAtEnd: PadAtEndOption = .drop
    /// Whether both frames of a pair get the same crop and colours.
    public var augmentPair: AugmentPairOption = .shared
    /// Which part of a picture is seen.
    public var crop: CropOption = .square
    /// Whether each pair of a training batch is there in two draws of the augmentation.
    public var dualViewAug = false
    /// For how many pairs a draw is.
    public var augmentDraws: AugmentDrawsOption = .sample
    /// Share of each dataset's episodes that is held out for validation, in [0, 1).
    public var valFraction = 0.0
    /// Cameras by dataset name; the first match wins, else the dataset's own rule.
    public var imageKeys: [ImageKey] = []
    /// Rates of HDF5 datasets and folders of videos by name; the first match wins, else what the files tell.
    public var fps: [Rate] = []
    /// Whether each frame's instruction is looked up in the data files. Without it samples have what the table of episodes
    /// says, which is all that a run without a text encoder needs.
    public var readsTasks = true
    /// Lists of episodes by dataset; the first match wins, else all episodes are taken.
    public var filterKeys: [FilterKey] = []
    /// Episodes to take, and of those the ones to leave, by dataset; the first match wins, else all are taken.
    public var episodes: [EpisodeRule] = []
    public var excludedEpisodes: [EpisodeRule] = []
    /// Makes every shot of a plain video an episode.
    public var splitsAtCuts = false
    /// How far a video frame may lie from its time, in seconds; nil: 0.1 ms, as LeRobot has it.
    public var toleranceS: Double?
    /// Turns of pictures by dataset or camera; the first match wins, else what the files tell.
    public var flips: [Flip] = []
    /// Orders of channels by dataset or camera; the first match wins, else what the format tells.
    public var channelOrders: [Channels] = []
    /// Ranges of depth cameras by dataset or camera.
    public var depth: [DepthRange] = []
    /// What happens where frames cannot be decoded.
    public var onBadSample: BadSampleOption = .fail
    /// With `skip`: a bad sample keeps its place, in black, for whoever has no use for another pair.
    package var blanksBadSamples = false
    /// Samples that may be skipped before the run ends after all; for `onBadSample` `skip`.
    public var maxSkips = 100
    /// Threads that read and augment; `nil` takes half of the cores, at most 8. Never changes a sample.
    public var numWorkers: Int?
    /// Bound on what the stream itself takes, in units of 2^30 bytes; `nil` bounds open videos to 1 GiB and the rest by
    /// its size.
    public var memoryBudgetGiB: Double?
    /// Batches that are made ahead of the one being waited for.
    public var prefetch = 2

    /// Threads that read and augment, as a number.
    public var workerCount: Int { numWorkers ?? max(1, min(8, ProcessInfo.processInfo.activeProcessorCount / 2)) }

    public init(datasetMix: [MixEntry], root: String? = nil) {
        self.datasetMix = datasetMix
        self.root = root
    }

    /// Checks everything that can be checked without a dataset.
    ///
    /// - Throws: `StreamError.emptyMix`, `.invalidWeight`, `.invalidOption`.
    public func validate() throws {
        func require(_ holds: Bool, _ key: String, _ expected: String, _ got: some CustomStringConvertible) throws {
            guard holds else { throw StreamError.invalidOption(key: key, expected: expected, got: got.description) }
        }
        guard !datasetMix.isEmpty else { throw StreamError.emptyMix }
        for entry in datasetMix where !(entry.weight.isFinite && entry.weight > 0) {
            throw StreamError.invalidWeight(dataset: entry.name, weight: entry.weight)
        }
        let sum = datasetMix.reduce(0) { $0 + $1.weight }
        try require(sum.isFinite, "dataset_mix", "weights with a finite sum", sum)
        for rate in fps {
            try require(rate.fps > 0 && rate.fps <= 1e6, "fps", "rates above 0, up to 1000000", rate.fps)
        }
        for rule in windowSeconds + kindWindows {
            try require(
                rule.seconds > 0 && rule.seconds <= 1e6, "window_seconds", "seconds above 0, up to 1000000",
                rule.seconds)
        }
        if let toleranceS {
            try require(toleranceS > 0 && toleranceS <= 1, "tolerance_s", "seconds above 0, up to 1", toleranceS)
        }
        for rule in imageKeys { try require(!rule.keys.isEmpty, "image_keys", "a camera, or several", "none") }
        for range in depth {
            let isRange = range.minimum.isFinite && range.maximum.isFinite && range.minimum < range.maximum
            try require(isRange, "depth", "ranges [MIN, MAX]", "[\(range.minimum), \(range.maximum)]")
        }
        // The upper limits only keep sizes of batches and tables far from overflow.
        try require((1...1_000_000).contains(batchSize), "batch_size", "1 … 1000000", batchSize)
        try require((1...8192).contains(resolution), "resolution", "1 … 8192", resolution)
        try require((1...1_000_000_000).contains(bufferSize), "buffer_size", "1 … 1000000000", bufferSize)
        try require((2...8).contains(frames), "frames", "2 … 8", frames)
        try require(hubCacheGiB > 0 && hubCacheGiB.isFinite, "hub_cache_gib", "a number above 0", hubCacheGiB)
        try require(valFraction >= 0 && valFraction < 1, "val_fraction", "a number in [0, 1)", valFraction)
        let budget = memoryBudgetGiB ?? 1
        try require(budget > 0 && budget.isFinite, "memory_budget", "a number above 0", budget)
        try require((0...1_000_000_000).contains(maxSkips), "max_skips", "0 … 1000000000", maxSkips)
        try require((1...1024).contains(numWorkers ?? 1), "num_workers", "1 … 1024", numWorkers ?? 0)
        try require((1...1024).contains(prefetch), "prefetch", "1 … 1024", prefetch)
        if case .fixed(let frames) = window {
            try require((2...1_000_000).contains(frames), "window", "auto, original or 2 … 1000000 frames", frames)
        }
    }
}
