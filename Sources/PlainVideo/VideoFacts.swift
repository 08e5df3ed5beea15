import Video

/// What opening a dataset needs to know of a video, without its table of frames.
struct VideoFacts: Sendable, Codable, Equatable {
    /// At least 1.
    let frames: Int
    /// When the first frame is shown, in seconds of the file, and how long after it the last one is.
    let start: Double
    let span: Double
    /// Nil for a single frame.
    let rate: ClipRate?
    let width: Int
    let height: Int
    let turn: PictureTurn
    let codec: String
    let longestGroup: Int?
    let framesPerKeyframe: Int

    /// - Precondition: the video has a frame.
    init(_ index: VideoIndex) {
        frames = index.count
        start = index.seconds(0)
        span = index.seconds(index.count - 1) - start
        rate = ClipRate(count: index.count) { index.seconds($0) }
        (width, height, turn, codec) = (index.width, index.height, index.turn, index.codec)
        (longestGroup, framesPerKeyframe) = (index.longestGroup, index.framesPerKeyframe)
    }

    /// Whether this can be of a video, for facts that come from a file.
    var isPossible: Bool {
        let rates = rate.map { $0.framesPerSecond.isFinite && $0.framesPerSecond > 0 } ?? true
        return (1...1 << 27).contains(frames) && start.isFinite && abs(start) < 1e12 && (0...1e9).contains(span)
            && rates
            && (1...1 << 26).contains(width) && (1...1 << 26).contains(height)
            && (1...1 << 27).contains(framesPerKeyframe) && (1...1 << 27).contains(longestGroup ?? 1)
    }
}
