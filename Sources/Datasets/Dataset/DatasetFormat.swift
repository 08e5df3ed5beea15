import Video

/// A format of datasets: how one is recognised on this disk, and opened. The rest of the program names none.
public struct DatasetFormat: Sendable {
    /// How a dataset is to be opened.
    public struct Request: Sendable {
        /// By which rules and messages know it.
        public var name: String
        /// Frames per second where files do not tell, or not rightly.
        public var fps: Double?
        /// How stored pictures become upright ones, where files do not tell.
        public var orientation: FrameOrientation?
        /// Which of red and blue pictures have first, where files do not tell.
        public var channelOrder: ChannelOrder?
        /// Takes the episodes of this list of the files only.
        public var filter: String?
        /// How far a frame may lie from its time, in seconds, where files have times; nil: LeRobot's 0.1 ms.
        public var tolerance: Double?
        /// Makes every shot of a plain video an episode.
        public var splitsAtCuts = false
        /// Finds the rows of data files on this disk by what they say.
        public var checksDataFiles = true
        /// Reads which instruction each row has.
        public var readsTasks = true

        /// Keeps what is found out about files on opening; nil: nothing is kept.
        public var cacheFolder: String?

        public init(name: String) { self.name = name }
    }

    /// For messages: `LeRobot`.
    public let name: String
    /// Whether rate, orientation, order of channels and choice of episodes can be asked for on opening.
    public let takesCorrections: Bool
    /// Whether there is a dataset of this format at a path.
    public let recognises: @Sendable (_ path: String) -> Bool
    /// Opens the dataset at a path.
    public let open: @Sendable (_ path: String, _ request: Request) throws -> any RobotDataset

    package init(
        name: String, takesCorrections: Bool, recognises: @escaping @Sendable (_ path: String) -> Bool,
        open: @escaping @Sendable (_ path: String, _ request: Request) throws -> any RobotDataset
    ) {
        (self.name, self.takesCorrections) = (name, takesCorrections)
        (self.recognises, self.open) = (recognises, open)
    }
}
