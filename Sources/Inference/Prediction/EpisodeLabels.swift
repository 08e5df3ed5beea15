/// The latent actions of one episode.
public struct EpisodeLabels: Sendable, Equatable {
    /// The label of one pair: what happens between one frame and another.
    public struct Row: Sendable, Equatable {
        /// First frame and target, counted from the episode's start.
        public var frame: Int
        public var target: Int
        /// The window reached past the end, and the target is the episode's last frame.
        public var isPad: Bool
        /// Codes of the action, in stage 2 of the controllable part; nil where its latents are continuous.
        public var codes: [Int32]?
        /// Stage 2: codes from the frozen codebook.
        public var uncontrolled: [Int32]?
        /// The action's latents as vectors, where asked for; of a codebook the rows that the codes stand for.
        public var embeddings: [[Float]]?

        public init(
            frame: Int, target: Int, isPad: Bool = false, codes: [Int32]?, uncontrolled: [Int32]? = nil,
            embeddings: [[Float]]? = nil
        ) {
            (self.frame, self.target, self.isPad) = (frame, target, isPad)
            (self.codes, self.uncontrolled, self.embeddings) = (codes, uncontrolled, embeddings)
        }
    }

    /// `episode_index` of the dataset's files.
    public var episode: Int
    /// In the order of frames; frames that start no pair have none.
    public var rows: [Row]

    public init(episode: Int, rows: [Row] = []) { (self.episode, self.rows) = (episode, rows) }
}

/// What labels are made of.
public enum LabelContent: String, Sendable, CaseIterable {
    case codes, vectors, both
}

/// What files of latent actions hold; the same for all files of a run, also for those without rows.
public struct LabelColumns: Sendable, Equatable {
    /// Which rows are padded.
    public var pads: Bool
    /// Codes of the action.
    public var codes: Bool
    /// Codes from the frozen codebook.
    public var uncontrolled: Bool
    public var embeddings: Bool

    public init(pads: Bool = false, codes: Bool = true, uncontrolled: Bool = false, embeddings: Bool = false) {
        (self.pads, self.codes, self.uncontrolled, self.embeddings) = (pads, codes, uncontrolled, embeddings)
    }
}
