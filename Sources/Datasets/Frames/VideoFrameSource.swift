import DataCore
import Foundation
import Video

/// Frames of a camera that is stored as videos.
final class VideoFrameSource: FrameSource {
    private let dataset: LeRobotDataset
    private let camera: Camera
    private let readers: SharedReaders
    private let converter = RGBConverter()
    private let depth: DepthReader
    private var current: (path: String, video: PooledVideo)?

    init(dataset: LeRobotDataset, camera: Camera, readers: SharedReaders) {
        self.dataset = dataset
        self.camera = camera
        depth = DepthReader(camera.content.depth ?? DepthScale())
        self.readers = readers
    }

    deinit { release() }

    func image(episode: Episode, frame: Int) throws -> RGBImage {
        let decoded = try decoded(episode: episode, frame: frame)
        guard !decoded.frame.isMeasurement else {
            throw DataError.unreadableVideo(
                path: decoded.path,
                reason: "expected colours, got \(decoded.frame.format): a measurement such as depth; \"info\": "
                    + "{\"is_depth_map\": true} of \(camera.key) in meta/info.json says so")
        }
        guard let image = converter.convert(decoded.frame) else { throw unsupported(decoded) }
        return decoded.turn.applied(to: image)
    }

    func stored(episode: Episode, frame: Int) throws -> StoredPicture {
        let decoded = try decoded(episode: episode, frame: frame)
        guard let picture = decoded.frame.storedPicture(depth, converter: converter) else { throw unsupported(decoded) }
        return picture.turned(decoded.turn)
    }

    private func unsupported(_ decoded: Decoded) -> DataError {
        .unreadableVideo(path: decoded.path, reason: "unsupported pixel format \(decoded.frame.format)")
    }

    /// A frame in the codec's own pixel format, and how it is to be turned.
    private typealias Decoded = (frame: VideoFrame, path: String, turn: PictureTurn)

    private func decoded(episode: Episode, frame: Int) throws -> Decoded {
        let path = try dataset.videoFile(of: episode, camera: camera)
        let decoder = try video(path, episode: episode).decoder
        let position = try VideoTimeline(dataset: dataset, episode: episode, camera: camera, index: decoder.index)
            .position(of: frame)
        return (try decoder.frame(position), path, decoder.index.turn)
    }

    func release() {
        guard let current else { return }
        self.current = nil
        readers.giveBack(current.video, current.path)
    }

    private func video(_ path: String, episode: Episode) throws -> PooledVideo {
        if let current, current.path == path { return current.video }
        release()
        let video = try readers.take(path) {
            if let source = try dataset.partialVideo(path) {
                let index = try readers.indexes.index(path: path, source: source)
                return PooledVideo(
                    try VideoDecoder(index: index, source: source, checksDamage: readers.checksDamage))
            }
            let lease = try dataset.hold(path)
            try Self.requireVideo(path, dataset: dataset, camera: camera, episode: episode)
            return PooledVideo(
                try VideoDecoder(index: readers.indexes.index(path: path), checksDamage: readers.checksDamage),
                lease: lease)
        }
        current = (path, video)
        return video
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
