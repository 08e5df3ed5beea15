import DataCore

/// What can be wrong with a stream of frame pairs. What is wrong inside a dataset stays a `DataError`.
public enum StreamError: Error {
    case emptyMix
    case invalidWeight(dataset: String, weight: Double)
    /// `key` as a configuration spells it, below `data`.
    case invalidOption(key: String, expected: String, got: String)
    /// No folder of a dataset at any of the paths; `near` are datasets beside them with names almost the same.
    case missingDataset(name: String, tried: [String], near: [String] = [])
    /// A folder or file that is there, and is no dataset of any format; `found` is what a folder has.
    case noDataset(name: String, path: String, found: [String])
    /// Neither on this disk, at any of the paths, nor to be had from the hub, for which `cause` says why.
    case missingOnHub(name: String, tried: [String], near: [String], cause: HubFailure)
    /// There is one of that name in the current folder, which is not where it was to be looked for.
    case datasetElsewhere(name: String, root: String, found: String)
    /// Every episode is shorter than the smallest window.
    case noPairs(dataset: String, episodes: Int, lengths: ClosedRange<Int>?, window: ClosedRange<Int>)
    /// The validation split holds no pair.
    case nothingHeldOut(datasets: [String], valFraction: Double)
    case invalidRank(rank: Int, worldSize: Int)
    /// Reading the frames of an episode failed; `cause` tells why.
    case unreadableFrames(dataset: String, episode: Int, frames: [Int], cause: any Error)
    /// A reader gave another number of pictures than asked for, or an empty picture.
    case unusableFrames(dataset: String, episode: Int, frames: [Int], got: String)
    /// More samples were bad than `data.max_skips` allows, or nothing sound was found in place of one.
    case tooManySkips(limit: Int, last: SkippedSample)
    /// The saved state belongs to other data or other options.
    case stateMismatch(what: String, saved: String?, current: String?)
    /// The saved state contradicts itself.
    case invalidState(reason: String)
}

extension StreamError: CustomStringConvertible {
    private static let formats =
        "a LeRobot dataset (a folder with meta/info.json), HDF5 files, videos or folders of numbered pictures"

    private static func hint(_ near: [String]) -> String? {
        near.isEmpty ? nil : "did you mean \(near.joined(separator: " or "))?"
    }

    public var description: String {
        switch self {
        case .emptyMix:
            return "no datasets: data.dataset_mix: expected at least one [name, weight], got none"
        case .invalidWeight(let dataset, let weight):
            return "invalid weight: data.dataset_mix: \(dataset): expected a finite number above 0, got \(weight)"
        case .invalidOption(let key, let expected, let got):
            return "invalid option: data.\(key): expected \(expected), got \(got)"
        case .missingDataset(let name, let tried, let near):
            return "missing dataset: \(name): expected \(Self.formats) at \(tried.joined(separator: " or ")), got "
                + "nothing; " + (Self.hint(near) ?? "check data.root and the name")
        case .noDataset(let name, let path, let found):
            let got = found.isEmpty ? "nothing that could be one" : found.prefix(4).joined(separator: ", ")
            return "no dataset: \(name): \(path): expected \(Self.formats), got \(got)\(found.count > 4 ? ", …" : ""); "
                + "name the folder of the dataset itself"
        case .missingOnHub(let name, let tried, let near, let cause):
            return
                "missing dataset: \(name): looked for at \(tried.joined(separator: ", ")), and then on the hub: \(cause)"
                + (Self.hint(near).map { "; \($0)" } ?? "")
        case .datasetElsewhere(let name, let root, let found):
            return
                "missing dataset: \(name): expected it below data.root, \(root), got one in the current folder only: "
                + "\(found); correct data.root, or write ./\(name) to take that one"
        case .noPairs(let dataset, let episodes, let lengths, let window):
            let found = lengths.map { "\(episodes) of \($0.lowerBound) … \($0.upperBound) frames" } ?? "none"
            return "no frame pairs: dataset \(dataset): expected an episode of at least \(window.lowerBound) frames "
                + "(window \(window.lowerBound) … \(window.upperBound)), got \(found); set data.window or drop the dataset"
        case .nothingHeldOut(let datasets, let valFraction):
            return "nothing to validate on: \(datasets.joined(separator: ", ")): expected held-out episodes, got none "
                + "with data.val_fraction \(valFraction); it must be above 0 and some dataset needs two usable episodes"
        case .invalidRank(let rank, let worldSize):
            return "invalid rank: expected 0 <= rank < world size, got rank \(rank) of \(worldSize)"
        case .unreadableFrames(let dataset, let episode, let frames, let cause):
            return "reading frames failed: dataset \(dataset), episode \(episode), frames \(frames): \(cause)"
        case .unusableFrames(let dataset, let episode, let frames, let got):
            return "reading frames failed: dataset \(dataset), episode \(episode), frames \(frames): expected "
                + "\(frames.count) pictures of at least one pixel, got \(got)"
        case .tooManySkips(let limit, let last):
            return
                "too many bad samples: dataset \(last.dataset): expected at most \(limit) skips, got more; the last: "
                + "\(last); repair the dataset (lam inspect --verify), or raise data.max_skips"
        case .stateMismatch(let what, let saved, let current):
            return "the saved stream is another one: \(what): expected \(saved ?? "nothing") as when it was saved, got "
                + "\(current ?? "nothing"); restore the data and options of that run or start the stream anew"
        case .invalidState(let reason):
            return "unusable saved stream: \(reason); start the stream anew"
        }
    }
}
