import Randomness

/// The option `data.pad_at_end`: what happens where a window reaches past the end of its episode.
public enum PadAtEndOption: String, Sendable, CaseIterable {
    /// Only pairs that lie inside their episode.
    case drop
    /// As the original: every frame starts a pair; a target past the end becomes the last frame, and the pair is
    /// marked.
    case clamp
}

/// Two frames of one episode.
package struct EpisodePair: Sendable, Hashable {
    /// Position in the dataset's episode table.
    package var episode: Int
    /// First frame, and the one `window − 1` frames later (or the episode's last one, where `isPad`).
    package var frame: Int
    package var target: Int
    /// Frames that the pair was to span.
    package var window: Int
    package var isPad: Bool
}

/// All frame pairs of one dataset, numbered episode by episode: index arithmetic over the table of episode lengths, so
/// that no pair can cross an episode's boundary.
///
/// A pair is a start frame; its window is drawn among those of the rule that fit. Every start frame counts once.
package struct EpisodePairs: Sendable {
    package let window: WindowRule
    package let padAtEnd: PadAtEndOption
    /// Number of pairs.
    package let count: Int
    /// Episodes, short ones included.
    package let episodeCount: Int
    /// Frames of the episodes, short ones included.
    package let frames: Int
    /// Episodes too short for the smallest window: they yield nothing.
    package let shortEpisodes: Int

    /// Positions and lengths of the episodes that yield pairs, with the number of their first pair.
    private let episodes: [(position: Int, length: Int)]
    private let firstPairs: [Int]

    /// - Parameter episodes: Position in the dataset's table and length of every episode to take.
    package init(episodes: [(position: Int, length: Int)], window: WindowRule, padAtEnd: PadAtEndOption) {
        self.window = window
        self.padAtEnd = padAtEnd
        var kept: [(position: Int, length: Int)] = []
        var firstPairs: [Int] = []
        var (pairs, frames) = (0, 0)
        for episode in episodes {
            frames += episode.length
            let starts = Self.starts(length: episode.length, window: window, padAtEnd: padAtEnd)
            guard starts > 0 else { continue }
            kept.append(episode)
            firstPairs.append(pairs)
            pairs += starts
        }
        self.episodes = kept
        self.firstPairs = firstPairs
        self.frames = frames
        count = pairs
        episodeCount = episodes.count
        shortEpisodes = episodes.count - kept.count
    }

    /// How many frames of an episode can start a pair.
    package static func starts(length: Int, window: WindowRule, padAtEnd: PadAtEndOption) -> Int {
        padAtEnd == .clamp ? length : max(0, length - (window.frames.lowerBound - 1))
    }

    /// The pair of a number, its window drawn from `generator`.
    ///
    /// - Precondition: `0 <= index < count`.
    package func pair(_ index: Int, using generator: inout RandomGenerator) -> EpisodePair {
        precondition(index >= 0 && index < count, "pair \(index) of \(count)")
        let slot = firstPairs.lastIndex(atMost: index)
        let (position, length) = episodes[slot]
        let frame = index - firstPairs[slot]
        let available = padAtEnd == .clamp ? Int.max : length - frame
        guard let window = window.draw(available: available, using: &generator) else {
            preconditionFailure("frame \(frame) of \(length) starts no pair of \(window.frames) frames")
        }
        let target = frame + window - 1
        return EpisodePair(
            episode: position, frame: frame, target: min(target, length - 1), window: window, isPad: target >= length)
    }

    /// First pair numbers of runs of at most `length` neighbouring pairs, none of them across episodes, and `count` at
    /// the end.
    package func runs(of length: Int) -> [Int] {
        var starts: [Int] = []
        for (slot, first) in firstPairs.enumerated() {
            let end = slot + 1 < firstPairs.count ? firstPairs[slot + 1] : count
            starts.append(contentsOf: stride(from: first, to: end, by: length))
        }
        return starts + [count]
    }
}

extension Array where Element == Int {
    /// Index of the last element that is not above `value`, in an ascending array whose first element is not above it.
    func lastIndex(atMost value: Int) -> Int {
        var (low, high) = (0, count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if self[middle] <= value { low = middle } else { high = middle }
        }
        return low
    }
}
