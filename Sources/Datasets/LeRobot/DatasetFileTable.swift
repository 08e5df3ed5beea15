import Synchronization
import Video

/// The files that hold one camera's pictures, numbered in the order in which the episodes come to them.
final class DatasetFileTable: Sendable {
    /// By position in `dataset.episodes`.
    let fileOfEpisode: [Int]
    private let dataset: LeRobotDataset
    private let camera: Camera
    /// The first episode of each file, which knows the file's path.
    private let firstEpisodes: [Int]
    private let indexes: VideoIndexCache
    private let groups = Mutex<[Int: Int]>([:])

    init(_ dataset: LeRobotDataset, camera: Camera, indexes: VideoIndexCache) {
        self.dataset = dataset
        self.camera = camera
        self.indexes = indexes
        var numbers: [FileNumber: Int] = [:]
        var firstEpisodes: [Int] = []
        let place = camera.kind == .video ? dataset.videoPlace(of: camera) : nil
        fileOfEpisode = dataset.episodes.enumerated().map { position, episode in
            // An episode without a video is never asked for.
            let file = place.map { episode.videos[$0]?.file } ?? episode.dataFile
            guard let file else { return 0 }
            if let number = numbers[file] { return number }
            numbers[file] = firstEpisodes.count
            firstEpisodes.append(position)
            return firstEpisodes.count - 1
        }
        self.firstEpisodes = firstEpisodes
    }

    /// Tells the dataset's source which files will be read soon.
    func expect(_ files: [Int]) throws {
        guard let source = dataset.files else { return }
        source.expect(try files.map { String(try path($0).dropFirst(dataset.root.count + 1)) })
    }

    /// Frames from one keyframe of a file to the next, on average; 1 for pictures, and for videos that cannot be read:
    /// that is told when their frames are asked for.
    ///
    /// - Throws: what fetching the file throws.
    func framesPerKeyframe(_ file: Int) throws -> Int {
        guard camera.kind == .video else { return 1 }
        if let known = groups.withLock({ $0[file] }) { return known }
        let path = try path(file)
        let source = try dataset.partialVideo(path)
        let lease = source == nil ? try dataset.hold(path) : nil
        let frames =
            (try? VideoContainer(path: path, source: source).framesPerKeyframe
                ?? indexes.index(path: path, source: source).framesPerKeyframe) ?? 1
        withExtendedLifetime(lease) {}
        groups.withLock { $0[file] = frames }
        return frames
    }

    /// Path of a file.
    func path(_ file: Int) throws -> String {
        let episode = dataset.episodes[firstEpisodes[file]]
        return try camera.kind == .video
            ? dataset.videoFile(of: episode, camera: camera) : dataset.dataFile(of: episode)
    }
}
