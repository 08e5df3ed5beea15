import DataCore
import Video

/// A video, or a folder of numbered pictures, and when its frames are shown.
struct Clip: Sendable {
    enum Content: Sendable {
        case video(VideoFacts)
        /// Names of the files in the folder, in order.
        case pictures([String])
    }

    /// Of the file or folder.
    let path: String
    /// The same below the dataset's root.
    let name: String
    let content: Content
    /// As the pictures are shown, after `turn`.
    let width: Int
    let height: Int

    /// Reads the table of a video, or believes what an earlier look at it has found.
    ///
    /// - Throws: `DataError`, also for a video that is damaged somewhere: how long it is to be is not known then.
    init(video name: String, below root: String, cache: ClipCache?) throws {
        path = "\(root)/\(name)"
        self.name = name
        let facts = try cache?.facts(name) ?? Self.facts(path)
        content = .video(facts)
        (width, height) = (facts.width, facts.height)
    }

    private static func facts(_ path: String) throws -> VideoFacts {
        try MetadataFile.requireContent(path: path, purpose: "a video")
        try ContainerLength.requireWhole(path)
        let index = try VideoIndex(path: path, kinds: .all)
        guard index.count > 0 else {
            throw DataError.unreadableVideo(path: path, reason: index.damage ?? "expected frames, got none")
        }
        if let damage = index.damage {
            throw DataError.unreadableVideo(path: path, reason: "damaged behind frame \(index.count): \(damage)")
        }
        return VideoFacts(index)
    }

    /// A folder of pictures.
    ///
    /// - Throws: `DataError` for a first picture that cannot be read.
    init(pictures files: [String], in name: String, below root: String) throws {
        path = name.isEmpty ? root : "\(root)/\(name)"
        self.name = name.isEmpty ? "." : name
        content = .pictures(files)
        let first = try PictureFile.read("\(path)/\(files[0])", converter: RGBConverter())
        (width, height) = (first.width, first.height)
    }

    /// Nil for pictures.
    var video: VideoFacts? { if case .video(let facts) = content { facts } else { nil } }

    /// Frames that the file has, at least 1.
    var frames: Int {
        switch content {
        case .video(let facts): facts.frames
        case .pictures(let files): files.count
        }
    }

    /// Nil for a single frame, and for pictures, which say nothing.
    var rate: ClipRate? { video?.rate }

    /// What the container's display matrix asks for.
    var turn: PictureTurn { video?.turn ?? PictureTurn() }

    /// Of its pictures, for people.
    var size: String { "\(width)x\(height)" }

    /// Frames at a dataset's rate.
    func length(fps: Double) -> Int {
        guard !isByNumber(fps), let video else { return frames }
        return Int((video.span * fps + 1e-3).rounded(.down)) + 1
    }

    /// Whether frame `f` is the file's frame `f`: of pictures, and of videos of the dataset's own rate.
    func isByNumber(_ fps: Double) -> Bool { video?.rate?.isByNumber(in: fps) ?? true }

    /// The file's frame that frame `f` of the clip is: the one on the screen at `f / fps` seconds.
    func position(of frame: Int, fps: Double, in index: VideoIndex) -> Int {
        guard !isByNumber(fps), let video else { return frame }
        return index.frame(shownAt: video.start + Double(frame) / fps, slack: Self.slack(index, fps: fps))
    }

    /// Times are rounded to the container's ticks; a frame that begins that much late is meant all the same.
    private static func slack(_ index: VideoIndex, fps: Double) -> Double {
        min(max(index.secondsPerTick, 1e-3), 0.25 / fps)
    }
}
