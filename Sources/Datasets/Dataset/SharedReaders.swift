import DataCore
import Video

/// What the readers of one process share: packet tables of videos and open files.
public struct SharedReaders: Sendable {
    public let indexes: VideoIndexCache
    public let pool: ReaderPool

    public init(
        indexes: VideoIndexCache = VideoIndexCache(), pool: ReaderPool = ReaderPool(maximumOpenFiles: 4)
    ) {
        (self.indexes, self.pool) = (indexes, pool)
    }
}

/// Which files hold one camera's pictures, as far as the order of samples goes by it.
public struct PictureFiles: Sendable {
    /// Number of the file of each episode, by its position.
    public let fileOfEpisode: [Int]
    package var locality = FileLocality()

    public init(fileOfEpisode: [Int]) { self.fileOfEpisode = fileOfEpisode }

    package init(fileOfEpisode: [Int], locality: FileLocality) {
        (self.fileOfEpisode, self.locality) = (fileOfEpisode, locality)
    }
}
