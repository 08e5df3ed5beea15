import DataCore
import Foundation

/// A LeRobot dataset on disk: its description, its tasks and the table of its episodes, for versions 2.0, 2.1 and 3.0.
///
/// Opening reads everything below `meta/` and checks that all counts agree; no video is opened. SPEC_LEROBOT §1–3.
///
///     let dataset = try LeRobotDataset(root: "/data/lerobot/droid_100", name: "lerobot/droid_100")
///     let reader = try FrameReader(dataset: dataset, camera: dataset.camera(preferred: nil))
///     let images = try reader.frames(episode: 0, frames: [12, 21])
public struct LeRobotDataset: Sendable {
    /// Repository id, as in the dataset mix of a configuration.
    public let name: String
    /// Folder that holds `meta`, without a slash at the end.
    public let root: String
    public let info: DatasetInfo
    /// In the order of `info.json`.
    public let cameras: [Camera]
    /// Sorted by `episodeIndex`; at least one. Episodes without frames are left out.
    public internal(set) var episodes: [Episode]
    /// Task texts in the order of `task_index`.
    public let tasks: [Task]
    let taskTexts: [Int: String]
    /// Frames of all episodes.
    public var totalFrames: Int { episodes.reduce(0) { $0 + $1.length } }
    /// How far a video frame may lie from its time, in seconds; nil: LeRobot's 0.1 ms, or a tick of the container.
    public var tolerance: Double?
    /// What was assumed, or found to be another than `meta` says, in whole sentences.
    public internal(set) var notes: [String] = []
    /// Whether the data files were read on opening, so that `Episode.rows` is what they say.
    package let rowsAreChecked: Bool
    /// How far the times of rows stray from their frames' numbers, of episodes where that is half a frame or more.
    var strayTimes: [Int: Double] = [:]
    /// Why the instructions of some frames are not known.
    var taskFault: DataError?
    /// Videos that were found to hold the frames that the episodes claim, by their headers.
    var comparedVideos: Set<String> = []
    /// What is wrong with single cameras, by key.
    let cameraFaults: [String: DataError]
    /// Where the files come from; nil for a dataset that lies on this disk.
    package let files: (any DatasetFiles)?

    /// One instruction and its number in the `task_index` column.
    public struct Task: Sendable, Equatable {
        public let index: Int
        public let text: String
    }

    /// Reads and checks the metadata.
    ///
    /// - Parameters:
    ///   - root: the folder of this dataset, the one that holds `meta`.
    ///   - name: repository id, used in messages and by the rules that go by name.
    ///   - checkDataFiles: also read from every data file which episode and frame each row is, so that rows are found
    ///     wherever they lie. Without it they are looked up when they are needed.
    ///   - readsTasks: also read the rows' `task_index`, so that each frame has its instruction. Without it an episode has
    ///     what `meta` says.
    ///   - files: brings files that are not on this disk; what lies below `meta` has to be there.
    /// - Throws: `DataError`; `ParquetError` for a broken Parquet file.
    public init(
        root: String, name: String, checkDataFiles: Bool = true, readsTasks: Bool = true,
        files: (any DatasetFiles)? = nil
    ) throws {
        self.files = files
        let root = root.count > 1 && root.hasSuffix("/") ? String(root.dropLast()) : root
        self.root = root
        self.name = name
        info = try DatasetInfo(path: "\(root)/meta/info.json")
        let metadata: LeRobotMetadata
        switch info.codebaseVersion {
        case .v20, .v21: metadata = try .readV2(root: root, info: info)
        case .v30: metadata = try .readV3(root: root, info: info)
        }
        episodes = metadata.episodes
        tasks = metadata.tasks
        taskTexts = Dictionary(tasks.map { ($0.index, $0.text) }, uniquingKeysWith: { first, _ in first })
        cameraFaults = metadata.cameraFaults(dataset: name)
        rowsAreChecked = checkDataFiles
        notes = metadata.notes
        guard !episodes.isEmpty else { throw DataError.noEpisodes(dataset: name, root: root) }
        cameras = files == nil ? try MeasurementProbe(root: root, info: info).cameras(episodes[0]) : info.cameras
        if checkDataFiles {
            let (placed, findings) = try RowPlacement.place(self, readsTasks: readsTasks)
            episodes = placed
            notes += findings.notes
            (strayTimes, taskFault) = (findings.strayTimes, findings.taskFault)
        } else if readsTasks {
            try readMissingTasks()
        }
        notes += disagreeingTotals(metadata)
    }

    public var fps: Double { info.fps }
    /// Cameras of kind `video`, the order of `Episode.videos`.
    public var videoCameras: [Camera] { cameras.filter { $0.kind == .video } }

    /// The camera to learn from: `preferred`, else the one that the original's rule gives for this name, else the
    /// only one that sees colours.
    ///
    /// The original knows one rule: a name that contains "droid", in any case, means
    /// `observation.images.exterior_1_left`.
    ///
    /// - Throws: `DataError.unknownCamera`, `.ambiguousCamera`, `.noCameras`, `.noColorCamera`; each lists the cameras.
    public func camera(preferred: String? = nil) throws -> Camera {
        let keys = cameras.map(\.key)
        if let preferred {
            guard let camera = cameras.first(where: { $0.key == preferred }) else {
                throw DataError.unknownCamera(dataset: name, camera: preferred, cameras: keys)
            }
            return camera
        }
        if name.lowercased().contains("droid"),
            let camera = cameras.first(where: { $0.key == "observation.images.exterior_1_left" && $0.content.isColor })
        {
            return camera
        }
        return try cameras.onlyColor(of: name)
    }

    /// Path of the data file that holds the rows of an episode, of several the first.
    public func dataFile(of episode: Episode) throws -> String { try dataFile(episode.dataFile) }

    /// Path of a data file.
    package func dataFile(_ file: FileNumber) throws -> String {
        "\(root)/\(try info.dataPath.path(numbers: numbers(file)))"
    }

    /// Path of the video of one camera that holds the frames of an episode.
    ///
    /// - Precondition: `camera` is one of `videoCameras`.
    /// - Throws: `DataError.noVideo` where `meta` says that there is none.
    public func videoFile(of episode: Episode, camera: Camera) throws -> String {
        guard let template = info.videoPath else { throw DataError.noCameras(dataset: name) }
        guard let location = video(of: episode, camera: camera) else {
            throw DataError.noVideo(dataset: name, camera: camera.key, episode: episode.episodeIndex)
        }
        let numbers = numbers(location.file)
        return "\(root)/\(try template.path(numbers: numbers, videoKey: camera.key))"
    }

    /// Where the frames of an episode lie in the video of one camera; nil if it has none.
    ///
    /// - Precondition: `camera` is one of `videoCameras`.
    public func video(of episode: Episode, camera: Camera) -> VideoLocation? { episode.videos[videoPlace(of: camera)] }

    /// Place of a camera in `Episode.videos`: asked once where a million episodes are looked at.
    ///
    /// - Precondition: `camera` is one of `videoCameras`.
    func videoPlace(of camera: Camera) -> Int {
        guard let place = videoCameras.firstIndex(of: camera) else {
            preconditionFailure("\(camera.key) is no video camera of \(name): \(videoCameras.map(\.key))")
        }
        return place
    }

    /// Brings a file of this dataset to this disk and keeps it there while the result lives; nil, and nothing to do,
    /// where all files lie on this disk.
    ///
    /// - Parameter path: a path that this value gave.
    package func hold(_ path: String) throws -> (any Sendable)? {
        try files?.hold(String(path.dropFirst(root.count + 1)))
    }

    /// A video to be read by parts; nil where it is, or has to be, on this disk as a whole.
    ///
    /// - Parameter path: a path that this value gave.
    func partialVideo(_ path: String) throws -> (any ByteSource)? {
        // Before v3.0 an episode had a file of its own, which is small.
        guard info.codebaseVersion == .v30 else { return nil }
        guard let source = try files?.partial(String(path.dropFirst(root.count + 1))) else { return nil }
        if try source.requireTables() { return source }
        try source.requireWhole()
        return nil
    }

    func numbers(_ file: FileNumber) -> [String: Int] {
        switch info.codebaseVersion {
        case .v20, .v21: ["episode_chunk": file.chunk, "episode_index": file.file]
        case .v30: ["chunk_index": file.chunk, "file_index": file.file]
        }
    }

    /// Totals that are out of date change nothing in the data: the tables say what is there, and nobody else compares
    /// them.
    private func disagreeingTotals(_ metadata: LeRobotMetadata) -> [String] {
        func note(_ what: String, _ declared: Int?, _ found: Int, _ source: String) -> String? {
            guard let declared, declared != found else { return nil }
            return "\(what): meta/info.json says \(declared), \(source) has \(found), which is taken"
        }
        return [
            note(
                "episodes", info.totalEpisodes, metadata.episodes.count + metadata.emptyEpisodes.count,
                metadata.episodesSource),
            note("frames", info.totalFrames, metadata.episodes.reduce(0) { $0 + $1.length }, metadata.episodesSource),
            note("tasks", info.totalTasks, tasks.count, metadata.tasksSource),
        ].compactMap { $0 }
    }
}
