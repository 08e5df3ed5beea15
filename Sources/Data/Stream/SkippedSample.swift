/// A sample whose frames could not be read and in whose place another one stands.
public struct SkippedSample: Sendable, Hashable, CustomStringConvertible {
    /// Place in the global order of all ranks.
    public var sample: Int
    public var dataset: String
    /// `episode_index` of the dataset's files.
    public var episode: Int
    /// First frame and target frame, counted from the episode's start.
    public var frames: [Int]
    /// What went wrong, with the file.
    public var cause: String

    public var description: String {
        "skipped sample \(sample): dataset \(dataset), episode \(episode), frames \(frames): \(cause)"
    }
}
