/// A batch of frame pairs of one rank.
public struct FramePairBatch: Sendable, Equatable {
    /// Where a pair comes from.
    public struct Sample: Sendable, Hashable {
        /// Place in the global order of all ranks.
        public var sample: Int
        public var dataset: String
        /// `episode_index` of the dataset's files.
        public var episode: Int
        /// First frame and target frame, counted from the episode's start.
        public var frame: Int
        public var target: Int
        /// Frames that the pair was to span: `target == frame + window - 1` unless `isPad`.
        public var window: Int
        /// The window reached past the end, and the target is the episode's last frame.
        public var isPad: Bool
        /// Instruction of the episode; empty if it has none.
        public var task: String
    }

    /// 8-bit RGB values, `[B, 2, 3, H, W]`, `H = W = resolution`.
    public var pixels: [UInt8]
    public var resolution: Int
    /// `B` entries; the last batch of a finite stream may have fewer than `batch_size`.
    public var samples: [Sample]

    /// `[B, 2, 3, H, W]`
    public var shape: [Int] { [samples.count, 2, 3, resolution, resolution] }
}
