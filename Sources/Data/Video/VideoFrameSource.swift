import Foundation

/// Frames of a camera that is stored as videos.
final class VideoFrameSource: FrameSource {
    private let dataset: LeRobotDataset
    private let camera: Camera
    private let indexes: VideoIndexCache
    private let converter = RGBConverter()
    private var decoders: RecentlyUsed<String, VideoDecoder>

    init(dataset: LeRobotDataset, camera: Camera, indexes: VideoIndexCache, maximumOpenFiles: Int) {
        self.dataset = dataset
        self.camera = camera
        self.indexes = indexes
        decoders = RecentlyUsed(capacity: maximumOpenFiles)
    }

    func image(episode: Episode, frame: Int) throws -> RGBImage {
        let frame = try decoded(episode: episode, frame: frame)
        guard let image = converter.convert(frame.frame) else {
            throw DataError.unreadableVideo(path: frame.path, reason: "unsupported pixel format \(frame.frame.format)")
        }
        return image
    }

    /// The frame in the codec's own pixel format.
    func decoded(episode: Episode, frame: Int) throws -> (frame: VideoFrame, path: String) {
        let path = try dataset.videoFile(of: episode, camera: camera)
        let decoder = try decoders.value(for: path) {
            try Self.requireVideo(path, dataset: dataset, camera: camera, episode: episode)
            return try VideoDecoder(index: indexes.index(path: path))
        }
        let position = try VideoTimeline(dataset: dataset, episode: episode, camera: camera, index: decoder.index)
            .position(of: frame)
        return (try decoder.frame(position), path)
    }

    /// Checks that a video is there, without opening it as one.
    ///
    /// - Throws: `DataError.missingVideo` with camera, episode and path; `.lfsPointer`; `.emptyFile`.
    static func requireVideo(_ path: String, dataset: LeRobotDataset, camera: Camera, episode: Episode) throws {
        do {
            try MetadataFile.requireContent(path: path, purpose: "a video of camera \(camera.key)")
        } catch DataError.missingFile {
            throw DataError.missingVideo(
                dataset: dataset.name, camera: camera.key, episode: episode.episodeIndex, path: path)
        }
    }
}
