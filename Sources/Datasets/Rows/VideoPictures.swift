import Video

/// How the pictures of a camera's videos are shown, by the headers of some or all of them.
struct VideoPictures {
    struct Video {
        let path: String
        let turn: PictureTurn
        /// After the turn.
        let width: Int
        let height: Int

        /// - Throws: `DataError.unreadableVideo` for a display matrix that no quarter turns give.
        init(_ container: VideoContainer) throws {
            path = container.path
            turn = try container.turn()
            let stored = container.parameters.pointee
            (width, height) = turn.size(width: Int(stored.width), height: Int(stored.height))
        }

        var size: String { "\(width)x\(height)" }

        var description: String {
            size + (turn.isIdentity ? "" : ", \(turn.description) as its display matrix says")
        }
    }

    var videos: [Video] = []

    /// Videos that are shown in another size than the others, where some are turned: of a camera that was held in two
    /// ways, or of files that lost their display matrix on their way.
    ///
    /// - Parameter declared: the size by `features.shape`, which decides where a video has it; else the most common one does.
    /// - Returns: with one of the others; nil where there are none.
    func odd(declared: (width: Int, height: Int)?) -> (videos: [Video], usual: Video)? {
        guard Set(videos.map(\.turn)).count > 1 else { return nil }
        let bySize = Dictionary(grouping: videos, by: \.size)
        guard bySize.count > 1 else { return nil }
        let expected = declared.flatMap { bySize["\($0.width)x\($0.height)"] }
        // Of sizes that are as common the first video's goes.
        let common = videos.map { bySize[$0.size] ?? [] }.max { $0.count < $1.count }
        guard let usual = (expected ?? common)?.first else { return nil }
        return (videos.filter { $0.size != usual.size }, usual)
    }

    /// What is done to the pictures, where something is.
    var note: String? {
        let turned = videos.filter { !$0.turn.isIdentity }
        guard let first = turned.first else { return nil }
        let turn = first.turn.description
        if Set(videos.map(\.turn)).count == 1 { return "pictures are \(turn), as the display matrix of the video says" }
        return
            "pictures of \(turned.count) of \(videos.count) videos are turned, as their display matrices say; first \(first.path): "
            + turn
    }
}
