/// What a decoder is given in place of a pair's own latents, to see what it makes of them.
package enum LatentControl: Int, CaseIterable, Sendable {
    /// The pair's own latents.
    case own
    /// Nothing: zeros.
    case zero
    /// The latents of another pair of the same episode. They have its scene, and not its motion.
    case sameEpisode
    /// The latents of a pair of another episode.
    case otherEpisode
    /// Normal random numbers with the latents' standard deviation.
    case gaussian

    /// In names of values.
    package var name: String {
        switch self {
        case .own: "own"
        case .zero: "zero"
        case .sameEpisode: "same_episode"
        case .otherEpisode: "other_episode"
        case .gaussian: "gaussian"
        }
    }

    /// What is written beside its error.
    package func words(_ latents: String) -> String {
        switch self {
        case .own: "own \(latents)"
        case .zero: "zeros for \(latents)"
        case .sameEpisode: "\(latents) of the same episode"
        case .otherEpisode: "\(latents) of another episode"
        case .gaussian: "gaussian \(latents)"
        }
    }
}

/// Whose latents a pair gets under the controls that exchange them.
package struct LatentDonors: Equatable {
    /// Per pair the place of its donor of the same episode; itself where the episode has no other pair.
    package let sameEpisode: [Int]
    /// Per pair the place of its donor of another episode; nil where all pairs are of one.
    package let otherEpisode: [Int]?

    /// - Parameters:
    ///   - episodes: of each pair a number that tells its episode, in whatever order.
    ///   - draw: a number below the one it is given.
    package init(episodes: [Int], draw: (_ bound: Int) -> Int) {
        var order = Array(episodes.indices)
        order.sort { (episodes[$0], $0) < (episodes[$1], $1) }
        var same = Array(episodes.indices)
        var other = Array(episodes.indices)
        var start = 0
        while start < order.count {
            var end = start
            while end < order.count, episodes[order[end]] == episodes[order[start]] { end += 1 }
            let count = end - start
            for place in start..<end {
                // Each takes its predecessor's, the first one the last one's.
                same[order[place]] = order[place == start ? end - 1 : place - 1]
                guard count < order.count else { continue }
                let drawn = draw(order.count - count)
                other[order[place]] = order[drawn < start ? drawn : drawn + count]
            }
            start = end
        }
        sameEpisode = same
        otherEpisode = Set(episodes).count > 1 ? other : nil
    }
}
