import DataCore
import Video

extension VideoLocation {
    /// Position of the episode's first frame in a file of so many frames.
    func base(frames: Int, fps: Double) -> Int {
        framesInFile == frames && followsLengths ? framesBefore : baseByTimestamp(fps: fps)
    }

    func baseByTimestamp(fps: Double) -> Int {
        // Validated on loading: at most 1e9 s, and fps at most 1e6.
        Int((fromTimestamp * fps).rounded())
    }
}

/// Which frame of a video file belongs to which frame of one episode. SPEC_LEROBOT §4.
public struct VideoTimeline: Sendable {
    private let dataset: String
    private let fps: Double
    private let episode: Episode
    private let camera: Camera
    private let index: VideoIndex
    /// What the user allows.
    private let asked: Double?
    /// Whether the file has one frame for each of its episodes' rows, so that frames are found by their numbers.
    private let isByNumber: Bool

    /// Position of the episode's first frame in the file, had the file one frame every 1/fps s.
    public let base: Int
    /// Set when the episodes of the file follow each other to fractions of a frame and their lengths add up to its frames,
    /// and yet the fractions have made `from_timestamp` name another frame than the lengths do; the lengths are believed.
    public let baseByTimestamp: Int?

    /// LeRobot's tolerance, in seconds.
    static let lerobotTolerance = 1e-4

    /// - Throws: `DataError.noVideo`.
    public init(dataset: LeRobotDataset, episode: Episode, camera: Camera, index: VideoIndex) throws {
        self.dataset = dataset.name
        self.fps = dataset.fps
        self.episode = episode
        self.camera = camera
        self.index = index
        guard let location = dataset.video(of: episode, camera: camera) else {
            throw DataError.noVideo(dataset: dataset.name, camera: camera.key, episode: episode.episodeIndex)
        }
        asked = dataset.tolerance
        isByNumber = location.framesInFile == index.count && location.followsLengths
        base = location.base(frames: index.count, fps: fps)
        let byTimestamp = location.baseByTimestamp(fps: fps)
        baseByTimestamp = byTimestamp == base ? nil : byTimestamp
    }

    /// Accepted distance between asked and found time in seconds: `data.tolerance_s`, else LeRobot's, or one tick where the container's clock is
    /// coarser (WebM counts milliseconds), but never so much that a neighbouring frame would do.
    public var tolerance: Double { asked ?? min(max(Self.lerobotTolerance, index.secondsPerTick), 0.25 / fps) }

    /// Position in the file, in presentation order, of a frame of the episode.
    ///
    /// - Throws: `DataError.frameNotFound` if no frame lies at its time; `.unreadableVideo` if that is because the
    ///   file is damaged.
    public func position(of frame: Int) throws -> Int {
        // One frame for each row is what the writer gave; a rate in `info.json` that is a little off changes nothing in it.
        if isByNumber { return base + frame }
        let asked = Double(base + frame) / fps
        let nearest = index.nearest(to: asked)
        if let nearest, abs(index.seconds(nearest) - asked) <= tolerance { return nearest }
        if let damage = index.damage, asked > (nearest.map(index.seconds) ?? -1) {
            throw DataError.unreadableVideo(
                path: index.path,
                reason:
                    "damaged behind frame \(index.count): \(damage); episode \(episode.episodeIndex), frame \(frame) "
                    + "of camera \(camera.key) is lost")
        }
        throw DataError.frameNotFound(
            dataset: dataset, episode: episode.episodeIndex, frame: frame, camera: camera.key, path: index.path,
            asked: asked, nearest: nearest.map(index.seconds), framesInFile: index.count, tolerance: tolerance)
    }
}
