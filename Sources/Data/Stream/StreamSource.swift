import Foundation

/// One dataset of a mix, as far as the stream needs it.
public struct StreamSource: Sendable {
    public struct Episode: Sendable, Hashable {
        /// `episode_index` of the files.
        public var index: Int
        /// Frames, at least 1.
        public var length: Int
        /// Instruction.
        public var task: String?

        public init(index: Int, length: Int, task: String?) {
            (self.index, self.length, self.task) = (index, length, task)
        }
    }

    /// As the mix spells it; of an absolute path the last part.
    public var name: String
    public var weight: Double
    public var fps: Double
    /// Key of the camera.
    public var camera: String
    public var episodes: [Episode]
    /// Makes a reader; called once by every worker thread.
    public var makeFrames: @Sendable () throws -> any FrameProvider
    /// The files that the pictures depend on, by a name that stays when the dataset is moved.
    public var contentFiles: @Sendable () throws -> [(name: String, path: String)]

    public init(
        name: String, weight: Double, fps: Double, camera: String, episodes: [Episode],
        contentFiles: @escaping @Sendable () throws -> [(name: String, path: String)] = { [] },
        makeFrames: @escaping @Sendable () throws -> any FrameProvider
    ) {
        (self.name, self.weight, self.fps, self.camera) = (name, weight, fps, camera)
        (self.episodes, self.contentFiles, self.makeFrames) = (episodes, contentFiles, makeFrames)
    }

    /// A LeRobot dataset.
    ///
    /// - Throws: `DataError`, if the camera does not exist or none is named and there are several.
    public init(_ dataset: LeRobotDataset, weight: Double, imageKeys: [StreamOptions.ImageKey] = []) throws {
        let wanted = imageKeys.first { dataset.name.lowercased().contains($0.pattern.lowercased()) }
        let camera = try dataset.camera(preferred: wanted?.key)
        let indexes = VideoIndexCache()
        self.init(
            name: dataset.name, weight: weight, fps: dataset.fps, camera: camera.key,
            episodes: dataset.episodes.map {
                Episode(index: $0.episodeIndex, length: $0.length, task: $0.tasks.first)
            },
            contentFiles: { try dataset.contentFiles(camera: camera) },
            makeFrames: { try FrameReader(dataset: dataset, camera: camera, indexes: indexes) })
    }

    /// Opens the datasets of a mix.
    ///
    /// - Throws: `StreamError.missingDataset`; `DataError` and whatever else opening a dataset throws.
    public static func open(_ options: StreamOptions) throws -> [StreamSource] {
        try options.datasetMix.map { entry in
            let folder = try folder(entry.name, root: options.root)
            // Rules that go by name must not see the folders above a dataset, nor a state where it lies on this disk.
            let name = entry.name.hasPrefix("/") ? URL(fileURLWithPath: entry.name).lastPathComponent : entry.name
            let dataset = try LeRobotDataset(root: folder, name: name)
            let source = try StreamSource(dataset, weight: entry.weight, imageKeys: options.imageKeys)
            // A run of days must not end at the first episode whose file was never copied.
            try dataset.requireVideoFiles(camera: dataset.camera(preferred: source.camera))
            return source
        }
    }

    private static func folder(_ name: String, root: String?) throws -> String {
        var candidates = [name]
        if !name.hasPrefix("/"), let root { candidates.insert("\(root)/\(name)", at: 0) }
        for candidate in candidates where FileManager.default.fileExists(atPath: "\(candidate)/meta/info.json") {
            return candidate
        }
        throw StreamError.missingDataset(name: name, tried: candidates)
    }
}
