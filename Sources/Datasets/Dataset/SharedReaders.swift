import DataCore
import Video

/// What the readers of one process share: packet tables of videos and open files.
public struct SharedReaders: Sendable {
    public let indexes: VideoIndexCache
    public let pool: ReaderPool
    /// Whether videos are decoded by a second decoder as well, where there is one for the codec, which sees more damage.
    public let checksDamage: Bool

    public init(
        indexes: VideoIndexCache = VideoIndexCache(), pool: ReaderPool = ReaderPool(maximumOpenFiles: 4),
        checksDamage: Bool = false
    ) {
        (self.indexes, self.pool, self.checksDamage) = (indexes, pool, checksDamage)
    }

    /// The same tables and the same pool, with a second decoder.
    public var checkingDamage: SharedReaders { SharedReaders(indexes: indexes, pool: pool, checksDamage: true) }

    /// Takes an open video out of the pool. Those with a second decoder are kept apart from those without.
    package func take(_ path: String, open: () throws -> PooledVideo) rethrows -> PooledVideo {
        try pool.take(key(path), open: open)
    }

    package func giveBack(_ video: PooledVideo, _ path: String) { pool.giveBack(video, key(path)) }

    private func key(_ path: String) -> String { checksDamage ? path + "\0checked" : path }
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
