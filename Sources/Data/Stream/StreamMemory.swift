import DataCore
import Video

/// What a stream takes at most, by its options and the sizes of its datasets. Bytes.
public struct StreamMemory: Sendable, Hashable {
    /// Episodes and the numbers of their pairs.
    public var tables: Int
    /// Batches made ahead, the one taken and the one being put together.
    public var batches: Int
    /// Packet tables of videos, 8 bytes a frame.
    public var indexes: Int
    /// Open videos with their decoders.
    public var files: Int

    public var total: Int { tables + batches + indexes + files }

    /// Measured: 280 bytes an episode in the dataset's table and the stream's, 36 in the order.
    private static let bytesPerEpisode = 330
    private static let largestIndexes = 64 << 20
    private static let largestFiles = 1 << 30
    private static let openFiles = 64

    /// - Parameters:
    ///   - episodes, frames: of all datasets.
    ///   - videos: number of video files.
    ///   - pixels: of the largest picture.
    /// - Throws: `StreamError.invalidOption` where `data.memory_budget` is too small for one open video a thread.
    init(_ options: StreamOptions, episodes: Int, frames: Int, videos: Int, pixels: Int, workers: Int) throws {
        tables = episodes * Self.bytesPerEpisode
        let frame = 3 * options.resolution * options.resolution
        let views = options.imageAug && options.dualViewAug ? 2 : 1
        batches = (options.prefetch + 3) * options.batchSize * options.frames * views * frame
        indexes = min(Self.largestIndexes, min(frames, 1 << 40) * 8)
        let video = pixels * 24 + (2 << 20)
        files = min(Self.largestFiles, min(Self.openFiles, videos * workers) * video)
        guard let budget = options.memoryBudgetGiB else { return }
        let left = Int(min(budget, 1e6) * Double(1 << 30)) - tables - batches - indexes
        guard left >= workers * video else {
            let needed = Double(tables + batches + indexes + workers * video) / Double(1 << 30)
            let rounded = (needed * 1000).rounded(.up) / 1000
            throw StreamError.invalidOption(
                key: "memory_budget",
                expected: "at least \(rounded) GiB with this mix, batch_size, resolution, prefetch and num_workers",
                got: "\(budget)")
        }
        files = min(files, left)
    }

    /// A pool of open files that keeps to this.
    var pool: ReaderPool { ReaderPool(maximumOpenFiles: Self.openFiles, maximumBytes: max(1, files)) }

    /// A cache of packet tables that keeps to this.
    var indexCache: VideoIndexCache { VideoIndexCache(maximumFrames: Self.largestIndexes / 8) }
}

extension StreamMemory: CustomStringConvertible {
    /// `at most 312 MiB: batches 120, open videos 150, packet tables 40, episode tables 2`.
    public var description: String {
        func mebibytes(_ bytes: Int) -> Int { (bytes + (1 << 20) - 1) >> 20 }
        return "at most \(mebibytes(total)) MiB: batches \(mebibytes(batches)), open videos \(mebibytes(files)), "
            + "packet tables \(mebibytes(indexes)), episode tables \(mebibytes(tables))"
    }
}
