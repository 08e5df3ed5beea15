/// Reads pictures of one camera of one dataset by episode and frame number.
///
/// Cheap to create; for use by one thread at a time, so run several for parallelism.
public final class FrameReader {
    public let dataset: LeRobotDataset
    public let camera: Camera

    /// - Parameters:
    ///   - indexes: packet tables shared with other readers of the same files.
    ///   - maximumOpenVideos: bound on decoders, and so on file descriptors, that stay open.
    public init(
        dataset: LeRobotDataset, camera: Camera, indexes: VideoIndexCache = VideoIndexCache(), maximumOpenVideos: Int = 4
    ) throws {
        self.dataset = dataset
        self.camera = camera
    }

    /// The frames of one episode, in the order asked for.
    ///
    /// - Parameters:
    ///   - episode: position in `dataset.episodes`.
    ///   - frames: numbers in `0..<length`, in any order, repeats allowed.
    public func frames(episode: Int, frames: [Int]) throws -> [RGBImage] {
        []
    }
}
