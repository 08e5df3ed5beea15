import DataCore
import Video

/// Reads pictures of one camera of one dataset by episode and frame number.
///
/// Which picture belongs to a frame follows SPEC_LEROBOT §4: times relative to the episode's file, never the global
/// index; counted in presentation order; anything that does not fit is an error, never a neighbouring frame.
///
/// Cheap to create, and for use by one thread at a time: codecs run single-threaded, parallelism is over readers that
/// share one `VideoIndexCache` and one `ReaderPool`.
public final class FrameReader: FrameProvider {
    public let dataset: LeRobotDataset
    public let camera: Camera

    public let look: CameraLook

    private let source: any FrameSource
    private let indexes: VideoIndexCache

    /// - Parameters:
    ///   - camera: one of `dataset.cameras`.
    ///   - indexes: packet tables shared with other readers of the same files.
    ///   - pool: open files, shared with other readers.
    ///   - checksDamage: decodes with a second decoder as well, where there is one for the codec.
    ///   - look: what is done to pictures besides what their files ask for.
    /// - Throws: `DataError.unknownCamera`; `.overlappingEpisodes`, `.missingCameraColumn` for a camera whose videos cannot
    ///   be told apart.
    public init(
        dataset: LeRobotDataset, camera: Camera, indexes: VideoIndexCache = VideoIndexCache(),
        pool: ReaderPool = ReaderPool(maximumOpenFiles: 4), checksDamage: Bool = false, look: CameraLook = CameraLook()
    ) throws {
        guard dataset.cameras.contains(camera) else {
            throw DataError.unknownCamera(
                dataset: dataset.name, camera: camera.key, cameras: dataset.cameras.map(\.key))
        }
        if let fault = dataset.cameraFaults[camera.key] { throw fault }
        self.dataset = dataset
        self.camera = camera
        self.look = look
        self.indexes = indexes
        switch camera.kind {
        case .video:
            source = VideoFrameSource(
                dataset: dataset, camera: camera,
                readers: SharedReaders(indexes: indexes, pool: pool, checksDamage: checksDamage))
        case .image:
            source = ImageFrameSource(dataset: dataset, camera: camera, pool: pool)
        }
    }

    /// The frames of one episode, in the order asked for.
    ///
    /// - Parameters:
    ///   - episode: position in `dataset.episodes`.
    ///   - frames: numbers in `0..<length`, in any order, repeats allowed.
    /// - Throws: `DataError.missingVideo`, `.lfsPointer`, `.frameNotFound`, `.unreadableVideo`, `.undecodableFrame`,
    ///   `.videoChangesFormat`, `.unreadableImage`; `.depthNeedsRange`. The reader stays usable.
    public func frames(episode: Int, frames: [Int]) throws -> [RGBImage] {
        try each(episode, frames) { episode, frame in
            guard let scale = camera.content.depth else {
                return look.applied(to: try source.image(episode: episode, frame: frame))
            }
            let stored = try source.stored(episode: episode, frame: frame)
            guard let image = stored.image(look.depthRange) else {
                throw DataError.depthNeedsRange(dataset: dataset.name, camera: camera.key, what: scale.description)
            }
            return look.applied(to: image)
        }
    }

    /// Pictures of a depth camera with what its numbers mean; nil for pictures of colours.
    ///
    /// - Throws: as `frames`.
    public func distances(episode: Int, frames: [Int]) throws -> [DepthPicture?] {
        try each(episode, frames) { episode, frame in
            guard case .distances(let picture, _) = try source.stored(episode: episode, frame: frame) else {
                return nil
            }
            return picture
        }
    }

    /// Sizes of pictures as they are shown, whatever their numbers mean.
    ///
    /// - Throws: as `frames`.
    public func sizes(episode: Int, frames: [Int]) throws -> [(width: Int, height: Int)] {
        try each(episode, frames) { episode, frame in
            guard camera.content.isColor else { return try source.stored(episode: episode, frame: frame).size }
            let image = try source.image(episode: episode, frame: frame)
            return (image.width, image.height)
        }
    }

    /// Whether the episode's place in its video is not where `from_timestamp` says.
    ///
    /// - Throws: `DataError.noVideo`, `.unreadableVideo`.
    public func hasDrifted(episode: Int) throws -> Bool {
        guard camera.kind == .video else { return false }
        let record = dataset.episodes[episode]
        let index = try indexes.index(path: dataset.videoFile(of: record, camera: camera))
        return try VideoTimeline(dataset: dataset, episode: record, camera: camera, index: index).baseByTimestamp != nil
    }

    private func each<Picture>(
        _ episode: Int, _ frames: [Int], _ read: (Episode, Int) throws -> Picture
    ) throws -> [Picture] {
        precondition(
            dataset.episodes.indices.contains(episode), "episode \(episode) of \(dataset.episodes.count)")
        let record = dataset.episodes[episode]
        for frame in frames {
            precondition(
                (0..<record.length).contains(frame), "frame \(frame) of \(record.length) in episode \(episode)")
        }
        defer { source.release() }
        // Ascending order lets a decoder go on instead of seeking.
        var images: [Int: Picture] = [:]
        for frame in Set(frames).sorted() { images[frame] = try read(record, frame) }
        // SAFETY: every element of `frames` was decoded in the loop above.
        return frames.map { images[$0]! }
    }
}

/// Pictures of one camera, however they are stored. Not for use by two threads at once.
protocol FrameSource: AnyObject {
    func image(episode: Episode, frame: Int) throws -> RGBImage
    /// Of a depth camera.
    func stored(episode: Episode, frame: Int) throws -> StoredPicture
    /// Lets others use the open file.
    func release()
}
