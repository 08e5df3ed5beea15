import DataCore
import Video

/// Pictures of one clip. For use by one thread at a time.
struct ClipSource {
    private let clip: Clip
    private let decoder: VideoDecoder?
    private let converter: RGBConverter

    /// - Parameter decoder: of the clip's video, where there is one already.
    /// - Throws: `DataError`.
    init(_ clip: Clip, decoder: VideoDecoder? = nil, converter: RGBConverter = RGBConverter()) throws {
        (self.clip, self.converter) = (clip, converter)
        if case .video = clip.content {
            self.decoder = try decoder ?? VideoDecoder(index: VideoIndex(path: clip.path, kinds: .all))
        } else {
            self.decoder = nil
        }
    }

    /// - Parameter frame: at the dataset's rate, from the clip's beginning.
    /// - Throws: `DataError`.
    func image(_ frame: Int, fps: Double) throws -> RGBImage {
        guard case .pictures(let files) = clip.content else { return try video(frame, fps: fps) }
        let path = "\(clip.path)/\(files[frame])"
        let image = try PictureFile.read(path, converter: converter)
        guard (image.width, image.height) == (clip.width, clip.height) else {
            throw DataError.unreadableClip(
                path: path,
                reason: "expected \(clip.width)x\(clip.height) as in \(files[0]), got \(image.width)x\(image.height)")
        }
        return image
    }

    private func video(_ frame: Int, fps: Double) throws -> RGBImage {
        guard let decoder else { preconditionFailure("\(clip.path) is no video") }
        let index = decoder.index
        guard index.count == clip.frames else {
            throw DataError.unreadableVideo(
                path: clip.path, reason: "expected \(clip.frames) frames, as when it was opened, got \(index.count)")
        }
        let decoded = try decoder.frame(clip.position(of: frame, fps: fps, in: index))
        guard !decoded.isMeasurement else {
            throw DataError.unreadableVideo(
                path: clip.path, reason: "expected colours, got \(decoded.format): a measurement such as depth")
        }
        guard let image = converter.convert(decoded) else {
            throw DataError.unreadableVideo(path: clip.path, reason: "unsupported pixel format \(decoded.format)")
        }
        return index.turn.applied(to: image)
    }
}
