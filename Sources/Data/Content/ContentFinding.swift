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
    /// Pictures that have lost their fine detail, for a while or all along.
    case blurred
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
    /// How much of it there is, in the check's own measure: frames, levels of 255 or a share. Larger is worse.
    public let extent: Double

    init(_ check: ContentCheck, episode: Int?, frames: ClosedRange<Int>? = nil, extent: Double, _ what: String) {
        (self.check, self.episode, self.what, self.extent) = (check, episode, what, extent)
        self.frames = frames.map { [$0.lowerBound, $0.upperBound] }
    }
}

extension ContentFinding {
    /// Where it is, and what.
    var text: String {
        let place = episode.map { "episode \($0)" } ?? "dataset"
        let frames = frames.map { $0[0] == $0[1] ? ", frame \($0[0])" : ", frames \($0[0]) to \($0[1])" }
        return "\(place)\(frames ?? ""): \(what)"
    }
}

/// What a check says of a dataset.
public enum ContentVerdict: String, Sendable, Codable {
    case sound
    case found
    /// There was nothing to judge by: no actions, none that go with the pictures, or no detail in them.
    case unknown
}
