/// One recorded episode and where its rows and frames lie.
public struct Episode: InstructedEpisode, Sendable, Equatable {
    /// `episode_index` as the files number it; not the position in `LeRobotDataset.episodes` if episodes were removed.
    public let episodeIndex: Int
    /// Frames, at least 1.
    public let length: Int
    /// In the order of the frames where the rows were read, else as `meta` lists them; none where neither tells.
    public internal(set) var tasks: [String]
    public internal(set) var changingTasks: [TaskSpan] = []
    /// Where the rows of the frames lie.
    public internal(set) var rows: EpisodeRows
    /// The episode's values of the global `index` column, by `meta`. LeRobot's writers differ in them; nothing is found by
    /// them.
    public let globalFrames: Range<Int>
    /// Per video camera, in the order of `LeRobotDataset.videoCameras`; nil for a camera that has no video of the episode.
    public internal(set) var videos: [VideoLocation?]

    /// Numbers of the data file that holds the first row: chunk and episode in v2.x, chunk and file in v3.0.
    public var dataFile: FileNumber { rows.first.file }
}

/// Place of a file in LeRobot's numbering. `file` is the episode's index in v2.x.
public struct FileNumber: Sendable, Hashable {
    public let chunk: Int
    public let file: Int
}

/// Where the frames of one episode lie inside a video file.
public struct VideoLocation: Sendable, Equatable {
    public let file: FileNumber
    /// Start of the episode in seconds of the file; 0 in v2.x. A running sum of container durations in v3.0, so
    /// it drifts away from the frames' true times by fractions of a frame.
    public let fromTimestamp: Double
    /// Sum of the lengths of the episodes that lie before this one in the same file.
    public let framesBefore: Int
    /// Sum of the lengths of all episodes in the file.
    public let framesInFile: Int
    /// Whether each of the file's episodes begins where the one before it ends, to fractions of a frame.
    public let followsLengths: Bool
}
