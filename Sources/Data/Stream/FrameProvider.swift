/// Gives pictures of one camera of one dataset. Used by one thread at a time.
public protocol FrameProvider {
    /// The frames of one episode, in the order asked for.
    ///
    /// - Parameters:
    ///   - episode: Position in the dataset's episode table.
    ///   - frames: Numbers in `0 ..< length`, in any order, repeats allowed.
    func frames(episode: Int, frames: [Int]) throws -> [RGBImage]
}

extension FrameReader: FrameProvider {}
