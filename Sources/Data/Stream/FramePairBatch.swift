/// A batch of frame pairs of one rank.
public struct FramePairBatch: Sendable, Equatable {
    /// Where a pair comes from.
    public struct Sample: Sendable, Hashable {
        /// Place in the global order of all ranks.
        public var sample: Int
        public var dataset: String
        /// `episode_index` of the dataset's files.
        public var episode: Int
        /// First frame and target frame, the last one of several, counted from the episode's start.
        public var frame: Int
        public var target: Int
        /// Frames that the pair was to span: `target == frame + window - 1` unless `isPad`.
        public var window: Int
        /// The window reached past the end, and the target is the episode's last frame.
        public var isPad: Bool
        /// Instruction of the first frame; empty if it has none.
        public var task: String
    }

    /// 8-bit RGB values of the frames without features, `[3, H, W]` each, in the order of the batch, `H = W =
    /// resolution`. All of them, `[B, frames · views, 3, H, W]`, unless the stream has a feature cache; a pair's views follow each other.
    public var pixels: [UInt8]
    /// An entry for each frame of each sample; nil where there are pixels instead. Empty if the stream has no feature cache.
    public var features: [FrameFeatures?]
    /// An entry for each frame of each sample: the frames' places in the mix.
    public var frames: [FrameReference]
    public var resolution: Int
    /// `B` entries; the last batch of a finite stream may have fewer than `batch_size`.
    public var samples: [Sample]
    /// Frames of a sample: 2, or more where samples are windows of several. The first one's frames are `frame` and those a window
    /// apart behind it, up to `target`.
    public var framesPerSample = 2
    /// Draws of the augmentation that each pair is there in: one, or two where the decoder of a model sees another than the encoder.
    public var views = 1
    /// Samples of the order that were bad; others stand in their places.
    public var skipped: [SkippedSample]

    /// `[B, frames · views, 3, H, W]`: that of `pixels` where no frame has features.
    public var shape: [Int] { [samples.count, framesPerSample * views, 3, resolution, resolution] }

    /// Each sample's steps from one of its frames to the next, whose latents are told from each other: the place of the first frame,
    /// and the number of the second.
    public var steps: [(place: FrameReference, target: Int)] {
        samples.indices.flatMap { sample in
            let own = frames[sample * framesPerSample..<(sample + 1) * framesPerSample]
            return zip(own, own.dropFirst()).map { (place: $0, target: $1.frame) }
        }
    }
}
