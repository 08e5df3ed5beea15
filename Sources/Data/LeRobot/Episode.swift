/// One recorded episode and where its rows and frames lie.
public struct Episode: Sendable, Equatable {
    /// `episode_index` as the files number it; not the position in `LeRobotDataset.episodes` if episodes were removed.
    public let episodeIndex: Int
    /// Frames, at least 1.
    public let length: Int
    /// Instructions of the episode, usually one.
    public let tasks: [String]
    /// Numbers of the data file: chunk and episode in v2.x, chunk and file in v3.0.
    public let dataFile: FileNumber
    /// The episode's rows in its data file.
    public let rows: Range<Int>
    /// The episode's values of the global `index` column.
    public let globalFrames: Range<Int>
    /// Per video camera, in the order of `LeRobotDataset.videoCameras`.
    public let videos: [VideoLocation]
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
}
