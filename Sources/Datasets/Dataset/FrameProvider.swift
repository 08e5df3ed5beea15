import DataCore

/// Gives pictures of one camera of one dataset. Used by one thread at a time.
public protocol FrameProvider {
    /// The frames of one episode, in the order asked for.
    ///
    /// - Parameters:
    ///   - episode: Position in the dataset's episode table.
    ///   - frames: Numbers in `0 ..< length`, in any order, repeats allowed.
    func frames(episode: Int, frames: [Int]) throws -> [RGBImage]

    /// Sizes of pictures as they are shown, whatever their numbers mean. By default those of `frames`.
    func sizes(episode: Int, frames: [Int]) throws -> [(width: Int, height: Int)]

    /// Whether an episode lies elsewhere in its file than the dataset's tables say, and is found all the same. By default
    /// none does.
    func hasDrifted(episode: Int) throws -> Bool
}

extension FrameProvider {
    public func sizes(episode: Int, frames: [Int]) throws -> [(width: Int, height: Int)] {
        try self.frames(episode: episode, frames: frames).map { ($0.width, $0.height) }
    }

    public func hasDrifted(episode: Int) throws -> Bool { false }
}
