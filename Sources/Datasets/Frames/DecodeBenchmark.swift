import DataCore
import Video

/// How fast one thread decodes a video, next to libavcodec's own rate: the same file, packet after packet, nothing else.
public struct DecodeBenchmark: Codable, Sendable, Hashable {
    public var codec: String
    public var width: Int
    public var height: Int
    public var frames: Int
    /// libavcodec alone, frames in the codec's own pixel format.
    public var ceilingFramesPerSecond: Double
    /// Frames in order through `VideoDecoder`, in the codec's own pixel format.
    public var decodedFramesPerSecond: Double
    /// The same as RGB pictures.
    public var picturesPerSecond: Double

    /// Share of libavcodec's rate that is left of it.
    public var shareOfCeiling: Double { decodedFramesPerSecond / ceilingFramesPerSecond }

    /// Measures the first video of a camera; best of `repeats`, the three turn by turn.
    ///
    /// - Throws: `DataError`; `FormatError.io` for a video that has to be fetched.
    public static func run(_ dataset: LeRobotDataset, camera: Camera, repeats: Int = 3) throws -> DecodeBenchmark {
        guard camera.kind == .video else {
            throw DataError.unknownCamera(
                dataset: dataset.name, camera: camera.key, cameras: dataset.videoCameras.map(\.key))
        }
        let path = try dataset.videoFile(of: dataset.episodes[0], camera: camera)
        let lease = try dataset.hold(path)
        defer { withExtendedLifetime(lease) {} }
        let index = try VideoIndex(path: path)
        func rate(_ body: () throws -> Int) rethrows -> Double {
            let start = ContinuousClock.now
            let frames = try body()
            return Double(frames) / ((ContinuousClock.now - start) / .seconds(1))
        }
        var result = DecodeBenchmark(
            codec: index.codec, width: index.width, height: index.height, frames: index.count,
            ceilingFramesPerSecond: 0, decodedFramesPerSecond: 0, picturesPerSecond: 0)
        let converter = RGBConverter()
        for _ in 0..<repeats {
            result.ceilingFramesPerSecond = max(
                result.ceilingFramesPerSecond, try rate { try VideoDecoder.decodeEverything(path: path) })
            result.decodedFramesPerSecond = max(
                result.decodedFramesPerSecond,
                try rate {
                    let decoder = try VideoDecoder(index: index)
                    for frame in 0..<index.count { _ = try decoder.frame(frame) }
                    return index.count
                })
            result.picturesPerSecond = max(
                result.picturesPerSecond,
                try rate {
                    let decoder = try VideoDecoder(index: index)
                    for frame in 0..<index.count { _ = converter.convert(try decoder.frame(frame)) }
                    return index.count
                })
        }
        return result
    }
}
