/// What can be wrong with what a dataset shows, though all of it can be read.
public enum ContentCheck: String, CaseIterable, Sendable, Codable {
    /// An episode too short for a pair.
    case short
    /// Most pairs show nothing that moved.
    case still
    /// Equal frames in a row while the actions go on.
    case frozen
    /// A cut inside an episode.
    case cut
    case black
    case overexposed
    /// The light jumps from one frame to the next.
    case exposure
    /// Actions that are no numbers, or that never change in the whole dataset.
    case actions
    /// Pictures and actions are shifted against each other.
    case lag
    /// Two episodes that show the same.
    case duplicate
}

/// Something that a check found in an episode, or in the dataset as a whole.
public struct ContentFinding: Sendable, Codable, Hashable {
    public let check: ContentCheck
    /// `episode_index`; nil: the whole dataset.
    public let episode: Int?
    /// First and last frame; nil: all.
    public let frames: [Int]?
    public let what: String

    init(_ check: ContentCheck, episode: Int?, frames: ClosedRange<Int>? = nil, _ what: String) {
        (self.check, self.episode, self.what) = (check, episode, what)
        self.frames = frames.map { [$0.lowerBound, $0.upperBound] }
    }
}

/// What a check says of a dataset.
public enum ContentVerdict: String, Sendable, Codable {
    case sound
    case found
    /// There was nothing to judge by: no actions, or none that go with the pictures.
    case unknown
}
