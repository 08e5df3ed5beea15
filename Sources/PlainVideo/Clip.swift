import DataCore
import Video

/// A video, or a folder of numbered pictures, and when its frames are shown.
struct Clip: Sendable {
    enum Content: Sendable {
        case video
        /// Names of the files in the folder, in order.
        case pictures([String])
    }

    /// Of the file or folder.
    let path: String
    /// The same below the dataset's root.
    let name: String
    let content: Content
    /// Frames that the file has, at least 1.
    let frames: Int
    /// When the first frame is shown, in seconds of the file, and how long after it the last one is.
    let start: Double
    let span: Double
    /// Nil for a single frame, and for pictures, which say nothing.
    let rate: ClipRate?
    let width: Int
    let height: Int
    let codec: String?
    let longestGroup: Int?
    let framesPerKeyframe: Int

    /// Reads the table of a video.
    ///
    /// - Throws: `DataError`, also for a video that is damaged somewhere: how long it is to be is not known then.
    init(video name: String, below root: String) throws {
        path = "\(root)/\(name)"
        self.name = name
        content = .video
        try MetadataFile.requireContent(path: path, purpose: "a video")
        try ContainerLength.requireWhole(path)
        let index = try VideoIndex(path: path, kinds: .all)
        guard index.count > 0 else {
            throw DataError.unreadableVideo(path: path, reason: index.damage ?? "expected frames, got none")
        }
        if let damage = index.damage {
            throw DataError.unreadableVideo(path: path, reason: "damaged behind frame \(index.count): \(damage)")
        }
        frames = index.count
        start = index.seconds(0)
        span = index.seconds(index.count - 1) - start
        rate = ClipRate(count: index.count) { index.seconds($0) }
        (width, height, codec) = (index.width, index.height, index.codec)
        (longestGroup, framesPerKeyframe) = (index.longestGroup, index.framesPerKeyframe)
    }

    /// A folder of pictures.
    ///
    /// - Throws: `DataError` for a first picture that cannot be read.
    init(pictures files: [String], in name: String, below root: String) throws {
        path = name.isEmpty ? root : "\(root)/\(name)"
        self.name = name.isEmpty ? "." : name
        content = .pictures(files)
        let first = try PictureFile.read("\(path)/\(files[0])", converter: RGBConverter())
        (frames, start, span, rate) = (files.count, 0, 0, nil)
        (width, height) = (first.width, first.height)
        (codec, longestGroup, framesPerKeyframe) = (nil, 1, 1)
    }

    /// Frames at a dataset's rate.
    func length(fps: Double) -> Int {
        isByNumber(fps) ? frames : Int((span * fps + 1e-3).rounded(.down)) + 1
    }

    /// Whether frame `f` is the file's frame `f`: of pictures, and of videos of the dataset's own rate.
    func isByNumber(_ fps: Double) -> Bool {
        if case .pictures = content { return true }
        return rate?.isByNumber(in: fps) ?? true
    }

    /// The file's frame that frame `f` of the clip is: the one on the screen at `f / fps` seconds.
    func position(of frame: Int, fps: Double, in index: VideoIndex) -> Int {
        guard !isByNumber(fps) else { return frame }
        return index.frame(shownAt: start + Double(frame) / fps, slack: Self.slack(index, fps: fps))
    }

    /// Times are rounded to the container's ticks; a frame that begins that much late is meant all the same.
    private static func slack(_ index: VideoIndex, fps: Double) -> Double {
        min(max(index.secondsPerTick, 1e-3), 0.25 / fps)
    }
}
