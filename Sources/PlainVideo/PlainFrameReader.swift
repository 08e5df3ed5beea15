import DataCore
import Datasets
import Video

/// Reads pictures of a dataset of plain videos. For use by one thread at a time.
final class PlainFrameReader: FrameProvider {
    private let dataset: PlainVideoDataset
    private let look: CameraLook
    private let readers: SharedReaders
    private let converter = RGBConverter()

    init(_ dataset: PlainVideoDataset, look: CameraLook, readers: SharedReaders) {
        (self.dataset, self.look, self.readers) = (dataset, look, readers)
    }

    /// - Throws: `DataError.undecodableFrame`, `.unreadableVideo`, `.videoChangesFormat`, `.unreadableClip`. The reader stays
    ///   usable.
    func frames(episode: Int, frames: [Int]) throws -> [RGBImage] {
        precondition(dataset.episodes.indices.contains(episode), "episode \(episode) of \(dataset.episodes.count)")
        let record = dataset.episodes[episode]
        for frame in frames {
            precondition((0..<record.length).contains(frame), "frame \(frame) of \(record.length)")
        }
        let clip = dataset.clips[record.clip]
        var images: [Int: RGBImage] = [:]
        func read(_ decoder: VideoDecoder?) throws {
            let source = try ClipSource(clip, decoder: decoder, converter: converter)
            // Ascending order lets a decoder go on instead of seeking.
            for frame in Set(frames).sorted() {
                images[frame] = look.applied(to: try source.image(record.start + frame, fps: dataset.fps))
            }
        }
        if case .video = clip.content {
            let video = try readers.take(clip.path) {
                PooledVideo(
                    try VideoDecoder(
                        index: readers.indexes.index(path: clip.path) { try VideoIndex(path: clip.path, kinds: .all) },
                        checksDamage: readers.checksDamage))
            }
            defer { readers.giveBack(video, clip.path) }
            try read(video.decoder)
        } else {
            try read(nil)
        }
        // SAFETY: every element of `frames` was read above.
        return frames.map { images[$0]! }
    }
}
