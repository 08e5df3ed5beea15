import Randomness

/// The option `data.pad_at_end`: what happens where a window reaches past the end of its episode.
public enum PadAtEndOption: String, Sendable, CaseIterable {
    /// Only pairs that lie inside their episode.
    case drop
    /// As the original: every frame starts a pair; a target past the end becomes the last frame, and the pair is
    /// marked.
    case clamp
}

/// Two frames of one episode, or several.
package struct EpisodePair: Sendable, Hashable {
    /// Position in the dataset's episode table.
    package var episode: Int
    /// First frame, and the last: of two the one `window − 1` frames later, of more as many windows as there are steps (or the
    /// episode's last one, where `isPad`).
    package var frame: Int
    package var target: Int
    /// Frames that the pair was to span, or each step of several frames.
    package var window: Int
    package var isPad: Bool
    /// Frames that are taken, each `window − 1` behind the one before, but none behind `target`.
    package var frameCount = 2

    /// The frames that are taken.
    package var frames: [Int] {
        guard frameCount > 2 else { return [frame, target] }
        return (0..<frameCount).map { min(target, frame + $0 * (window - 1)) }
    }
}

/// All frame pairs of one dataset, numbered episode by episode: index arithmetic over the table of episode lengths, so
/// that no pair can cross an episode's boundary.
///
/// A pair is a start frame; its window is drawn among those of the rule that fit. Every start frame counts once.
package struct EpisodePairs: Sendable {
    package let window: WindowRule
    package let padAtEnd: PadAtEndOption
    /// Frames of a sample.
    package let frameCount: Int
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
    /// Files of these episodes.
    private let files: [Int32]

    /// - Parameters:
    ///   - episodes: Position in the dataset's table and length of every episode to take.
    ///   - frameCount: of a sample: 2, or more for several steps of a window each.
    ///   - file: Number of the file that holds the episode at a position of the table.
    package init(
        episodes: some Sequence<(position: Int, length: Int)>, window: WindowRule, padAtEnd: PadAtEndOption,
        frameCount: Int = 2, file: (Int) -> Int = { _ in 0 }
    ) {
        self.frameCount = frameCount
        self.window = window
        self.padAtEnd = padAtEnd
        var kept: [(position: Int, length: Int)] = []
        var firstPairs: [Int] = []
        var files: [Int32] = []
        kept.reserveCapacity(episodes.underestimatedCount)
        firstPairs.reserveCapacity(episodes.underestimatedCount)
        files.reserveCapacity(episodes.underestimatedCount)
        var (pairs, frames, total) = (0, 0, 0)
        for episode in episodes {
            total += 1
            frames += episode.length
            let starts = Self.starts(
                length: episode.length, window: window, padAtEnd: padAtEnd, frameCount: frameCount)
            guard starts > 0 else { continue }
            kept.append(episode)
            firstPairs.append(pairs)
            files.append(Int32(clamping: file(episode.position)))
            pairs += starts
        }
        self.episodes = kept
        self.files = files
        self.firstPairs = firstPairs
        self.frames = frames
        count = pairs
        episodeCount = total
        shortEpisodes = total - kept.count
    }

    /// How many frames of an episode can start a pair.
    package static func starts(
        length: Int, window: WindowRule, padAtEnd: PadAtEndOption, frameCount: Int = 2
    ) -> Int {
        padAtEnd == .clamp ? length : max(0, length - (frameCount - 1) * (window.frames.lowerBound - 1))
    }

    /// The pair of a number, its window drawn from `generator`.
    ///
    /// - Precondition: `0 <= index < count`.
    package func pair(_ index: Int, using generator: inout RandomGenerator) -> EpisodePair {
        precondition(index >= 0 && index < count, "pair \(index) of \(count)")
        let slot = firstPairs.lastIndex(atMost: index)
        let (position, length) = episodes[slot]
        let frame = index - firstPairs[slot]
        // Of each step, where all are to fit.
        let available = padAtEnd == .clamp ? Int.max : (length - frame - 1) / (frameCount - 1) + 1
        guard let window = window.draw(available: available, using: &generator) else {
            preconditionFailure("frame \(frame) of \(length) starts no pair of \(window.frames) frames")
        }
        let target = frame + (frameCount - 1) * (window - 1)
        return EpisodePair(
            episode: position, frame: frame, target: min(target, length - 1), window: window, isPad: target >= length,
            frameCount: frameCount)
    }

    /// The number of the pair that begins so many frames later; nil where the episode has no such pair.
    func index(_ index: Int, advancedBy frames: Int) -> Int? {
        let own = pairs(ofSlot: firstPairs.lastIndex(atMost: index))
        return frames < own.upperBound - index ? index + frames : nil
    }

    /// Positions in the dataset's table of the episodes that yield pairs.
    package var positions: [Int] { episodes.map(\.position) }

    /// Number of the file that holds a pair.
    package func file(ofPair index: Int) -> Int { Int(files[firstPairs.lastIndex(atMost: index)]) }

    /// The next few files in the order of the table, from that of a pair on.
    func files(from index: Int, count: Int) -> [Int] {
        var result: [Int] = []
        for file in files[firstPairs.lastIndex(atMost: index)...] where !result.contains(Int(file)) {
            result.append(Int(file))
            if result.count == count { break }
        }
        return result
    }

    /// The slots of episodes by file, in the order in which the files first occur.
    ///
    /// - Returns: slots, and where each file's begin in them, with the end of the last.
    func slotsByFile() -> (slots: [Int32], starts: [Int32]) {
        var place: [Int32: Int32] = [:]
        let fileOfSlot = files.map { file -> Int32 in
            let known = place[file] ?? Int32(place.count)
            place[file] = known
            return known
        }
        var starts = [Int32](repeating: 0, count: place.count + 1)
        for file in fileOfSlot { starts[Int(file) + 1] += 1 }
        for file in 0..<place.count { starts[file + 1] += starts[file] }
        let result = starts
        var slots = [Int32](repeating: 0, count: files.count)
        for (slot, file) in fileOfSlot.enumerated() {
            slots[Int(starts[Int(file)])] = Int32(slot)
            starts[Int(file)] += 1
        }
        return (slots, result)
    }

    /// The pairs of an episode that yields some, by its slot.
    func pairs(ofSlot slot: Int) -> Range<Int> {
        firstPairs[slot]..<(slot + 1 < firstPairs.count ? firstPairs[slot + 1] : count)
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
