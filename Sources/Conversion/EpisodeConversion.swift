import Datasets
import Formats
import Foundation
import Video

/// Writes the pictures of single episodes: as a video, or as the source has them. Several threads may use it at once.
struct EpisodeConversion: Sendable {
    let plan: ConversionPlan

    /// At most so many pictures of an episode count in its statistics.
    private static let sampledFrames = 100
    private static let batch = 16

    /// Writes the frames of an episode as a video, or takes the source's video.
    ///
    /// - Parameter step: called with the number of frames that were done; ends the work by throwing.
    func write(
        episode: Int, of camera: ConvertedCamera, to path: String, step: (Int) throws -> Void
    ) throws -> CameraStatistics {
        if let kept = camera.kept {
            if plan.options.format == .v21, kept.camera.kind == .video {
                try Folder.create(for: path)
                try kept.writeVideo(episode: episode, to: path)
            }
            return try kept.statistics(episode: episode, sampled: Self.sampledFrames, step: step)
        }
        try Folder.create(for: path)
        let obstacle =
            plan.options.recodes
            ? "--recode"
            : try plan.dataset.takeVideo(episode: episode, camera: camera.source, to: path, from: plan.readers)
        let (size, statistics) = try read(
            episode: episode, of: camera, encodingTo: obstacle == nil ? nil : path, step: step)
        return CameraStatistics(
            width: size.width, height: size.height, codec: try VideoIndex(path: path).codec, statistics: statistics,
            encodedBecause: obstacle ?? "")
    }

    /// Reads the pictures of an episode, all of them to encode them, else those that are counted.
    private func read(
        episode: Int, of camera: ConvertedCamera, encodingTo path: String?, step: (Int) throws -> Void
    ) throws -> (size: (width: Int, height: Int), statistics: ColumnStatistics) {
        let provider = try plan.dataset.frames(of: camera.source, from: plan.readers)
        let length = plan.episodes[episode].length
        let stride = max(1, length / Self.sampledFrames)
        var histograms = [[Int]](repeating: [Int](repeating: 0, count: 256), count: 3)
        var sampled = 0
        var video: VideoWriter?
        var size = (width: 0, height: 0)
        for start in Swift.stride(from: 0, to: length, by: Self.batch) {
            let numbers = (start..<min(start + Self.batch, length)).filter { path != nil || $0 % stride == 0 }
            for (number, image) in zip(numbers, try provider.frames(episode: episode, frames: numbers)) {
                size = (image.width, image.height)
                if number % stride == 0 {
                    sampled += 1
                    for place in Swift.stride(from: 0, to: image.pixels.count, by: 3) {
                        for channel in 0..<3 { histograms[channel][Int(image.pixels[place + channel])] += 1 }
                    }
                }
                guard let path else { continue }
                let writer =
                    try video
                    ?? VideoWriter(
                        path: path, width: image.width, height: image.height, fps: plan.dataset.fps,
                        codec: plan.options.codec)
                video = writer
                try writer.append(image)
            }
            try step(min(start + Self.batch, length) - start)
        }
        try video?.finish()
        return (size, ColumnStatistics(histograms: histograms, frames: sampled))
    }
}
