/// Reads everything that training could ask of a dataset: every row's numbers and every frame of chosen cameras.
public struct DatasetVerification: Sendable, Encodable {
    /// Frames decoded, over all cameras.
    public let frames: Int
    /// Oddities that do not stop anything.
    public let warnings: [String]

    /// Frames held at once; episodes may be long.
    private static let batch = 16

    /// - Parameter progress: called with frames done and frames to do, about once per episode.
    /// - Throws: `DataError` or `ParquetError` for the first thing found wrong.
    public init(
        dataset: LeRobotDataset, cameras: [Camera], progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws {
        try dataset.verifyRows()
        let total = dataset.totalFrames * cameras.count
        var done = 0
        var warnings: [String] = []
        for camera in cameras {
            let indexes = VideoIndexCache()
            let reader = try FrameReader(dataset: dataset, camera: camera, indexes: indexes)
            var size: (width: Int, height: Int)?
            var drifting: [Int] = []
            for (position, episode) in dataset.episodes.enumerated() {
                progress(done, total)
                for start in stride(from: 0, to: episode.length, by: Self.batch) {
                    let numbers = Array(start..<min(start + Self.batch, episode.length))
                    for image in try reader.frames(episode: position, frames: numbers) {
                        if let size, size != (image.width, image.height) {
                            warnings.append(
                                "\(camera.key): episode \(episode.episodeIndex) has pictures of \(image.width)x"
                                    + "\(image.height), others before it of \(size.width)x\(size.height)")
                        }
                        size = (image.width, image.height)
                    }
                    done += numbers.count
                }
                guard camera.kind == .video else { continue }
                let index = try indexes.index(path: dataset.videoFile(of: episode, camera: camera))
                let timeline = VideoTimeline(dataset: dataset, episode: episode, camera: camera, index: index)
                if timeline.baseByTimestamp != nil { drifting.append(episode.episodeIndex) }
            }
            if let first = drifting.first {
                warnings.append(
                    "\(camera.key): from_timestamp of \(drifting.count) episodes (first: \(first)) points at another "
                        + "frame than the episodes' lengths; the lengths are used")
            }
        }
        progress(done, total)
        frames = done
        self.warnings = warnings
    }

    /// Reads every number and every frame of an HDF5 dataset.
    ///
    /// - Throws: `DataError` for the first thing found wrong.
    public init(
        dataset: HDF5Dataset, cameras: [Camera], progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws {
        let total = dataset.totalFrames * cameras.count
        let pool = ReaderPool(maximumOpenFiles: 2)
        let readers = try cameras.map { try HDF5FrameReader(dataset: dataset, camera: $0, pool: pool) }
        var done = 0
        for (position, episode) in dataset.episodes.enumerated() {
            progress(done, total)
            for column in dataset.columns { _ = try dataset.values(of: column, episode: position, pool: pool) }
            for reader in readers {
                for start in stride(from: 0, to: episode.length, by: Self.batch) {
                    let numbers = Array(start..<min(start + Self.batch, episode.length))
                    done += try reader.frames(episode: position, frames: numbers).count
                }
            }
        }
        progress(done, total)
        frames = done
        warnings = dataset.leftOut.map { "\($0) has no place in a LeRobot dataset and is left out" }
    }
}
