import WanVAE

/// What `lam extract-latents` is asked to do.
public struct ExtractionOptions: Sendable {
    /// Rows that an instruction's vectors get.
    public enum TextPadding: String, Sendable, CaseIterable {
        /// 512, with zeros behind the text's own, as LingBot-VA's server feeds them.
        case full = "512"
        /// As many as the text has tokens.
        case none
    }

    /// Folder of the weights: as Wan2.2-TI2V-5B is published, or in the layout of diffusers.
    public var checkpoint: String
    /// Folder of a LeRobot dataset, the one that holds `meta`.
    public var dataset: String
    /// Cameras; nil for all that are stored as video, or all if none is.
    public var videoKeys: [String]?
    public var frames = FrameRule()
    /// Frames a second of HDF5 files, videos and pictures that do not tell, or not rightly.
    public var fps: Double?
    /// Pixels; nil for the video's own.
    public var size: (height: Int, width: Int)?
    /// Size of cameras whose name contains "wrist"; nil for half of `size`.
    public var wristSize: (height: Int, width: Int)?
    /// Take this many episodes from the beginning.
    public var maximumEpisodes: Int?
    /// Episode indices; nil for all.
    public var episodes: Set<Int>?
    public var textPadding = TextPadding.full
    public var precision = ExtractionPrecision.f32
    /// Makes files anew that are there already.
    public var overwrites = false
    /// Decodes latents back and measures what was lost.
    public var verifies = false
    /// Folder for pictures of frames beside decoded latents.
    public var preview: String?
    /// Writes `empty_emb.pt`.
    public var writesEmptyText = false
    /// This process's number and how many share the work: each takes every `count`th video.
    public var rank = 0
    public var rankCount = 1

    /// Pixels along a frame at most.
    static let longestSide = 4096
    /// Frames of a segment at most, more than a day at 30 a second: metadata may claim any number.
    static let longestSegment = 1 << 22
    /// Tokens of a text at most.
    public static let tokenLimit = 512

    public init(checkpoint: String, dataset: String) {
        self.checkpoint = checkpoint
        self.dataset = dataset
    }

    /// The size that a camera's frames are encoded at; nil for the video's own.
    public func size(of camera: String) -> (height: Int, width: Int)? {
        guard camera.lowercased().contains("wrist") else { return size }
        return wristSize ?? size.map { ($0.height / 2, $0.width / 2) }
    }

    /// Why a camera's pictures of this size cannot be encoded; nil where they can.
    func fault(of camera: String, width: Int, height: Int) -> String? {
        let size = size(of: camera) ?? (height, width)
        let patch = WanVAEEncoder.patch
        let fits = size.height % patch == 0 && size.width % patch == 0
        guard !fits || max(size.height, size.width) > Self.longestSide else { return nil }
        return "expected frames whose sides are multiples of \(patch) up to \(Self.longestSide), "
            + "got \(height) x \(width); give --height and --width"
    }

    /// Checks what does not depend on files.
    /// - Throws: `ExtractionError.option`.
    public func validate() throws(ExtractionError) {
        func require(_ option: String, _ holds: Bool, expected: String, got: String) throws(ExtractionError) {
            guard holds else { throw .option(name: option, expected: expected, got: got) }
        }
        if let fps = frames.targetFPS {
            try require("--target_fps", (1...1000).contains(fps), expected: "a number from 1 to 1000", got: "\(fps)")
        }
        if let fps {
            try require("--fps", fps > 0 && fps <= 1e6, expected: "a number above 0, up to 1000000", got: "\(fps)")
        }
        if let stride = frames.stride {
            try require(
                "--frame_stride", (1...Self.longestSegment).contains(stride),
                expected: "a number from 1 to \(Self.longestSegment)",
                got: "\(stride)")
        }
        let patch = WanVAEEncoder.patch
        for (name, given) in [("--height and --width", size), ("--wrist_height and --wrist_width", size(of: "wrist"))] {
            guard let given else { continue }
            try require(
                name,
                (patch...Self.longestSide).contains(given.height) && (patch...Self.longestSide).contains(given.width)
                    && given.height % patch == 0 && given.width % patch == 0,
                expected:
                    "multiples of \(patch) up to \(Self.longestSide) (wrist cameras get half of --height and --width unless "
                    + "--wrist_height and --wrist_width say otherwise)",
                got: "\(given.height) x \(given.width)")
        }
        if let maximumEpisodes {
            try require("--max_episodes", maximumEpisodes > 0, expected: "a positive number", got: "\(maximumEpisodes)")
        }
        precondition(rank >= 0 && rank < rankCount, "rank \(rank) of \(rankCount)")
    }
}

/// Number format of what the VAE's convolutions multiply.
public enum ExtractionPrecision: String, Sendable, CaseIterable {
    case f32, bf16
}
