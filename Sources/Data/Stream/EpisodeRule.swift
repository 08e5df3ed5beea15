import DataCore
import Datasets
import Foundation

extension StreamOptions {
    /// Episodes of the datasets whose name contains `pattern`, in any case.
    public struct EpisodeRule: NameRule {
        public var pattern: String
        public var choice: EpisodeChoice

        public init(pattern: String, choice: EpisodeChoice) {
            (self.pattern, self.choice) = (pattern, choice)
        }
    }
}

/// Which episodes of a dataset are meant.
public enum EpisodeChoice: Sendable, Hashable {
    /// By their `episode_index`.
    case numbers([EpisodeRange])
    /// By the numbers in a file: a JSON list, a JSON object of such lists by dataset, or lines of numbers and ranges.
    case file(String)
    /// By what is known of them: all conditions hold.
    case facts([EpisodeFact])

    /// Places, in a dataset, of the episodes that are meant.
    ///
    /// - Parameter option: for messages.
    /// - Throws: `StreamError.invalidOption` for an episode that is named alone and is not there, unless `allowsStrangers`;
    ///   `DataError` for a file or metadata that cannot be read.
    func positions(in dataset: any RobotDataset, option: String, allowsStrangers: Bool) throws -> Set<Int> {
        let numbers = (0..<dataset.episodeCount).map { dataset.episode($0).index }
        switch self {
        case .numbers(let ranges):
            return try Self.positions(ranges, numbers, dataset.name, option, allowsStrangers)
        case .file(let path):
            let ranges = try EpisodeFile.ranges(at: path, dataset: dataset.name)
            return try Self.positions(ranges, numbers, dataset.name, option, true)
        case .facts(let facts):
            var found = Set(numbers.indices)
            for fact in facts { found.formIntersection(try fact.positions(in: dataset, option: option)) }
            return found
        }
    }

    private static func positions(
        _ ranges: [EpisodeRange], _ numbers: [Int], _ dataset: String, _ option: String, _ allowsStrangers: Bool
    ) throws -> Set<Int> {
        if !allowsStrangers, let stranger = ranges.first(where: { $0.isSingle && !numbers.contains($0.first) }) {
            throw StreamError.invalidOption(
                key: option,
                expected: "episodes of dataset \(dataset), \(numbers.min() ?? 0) to \(numbers.max() ?? 0)",
                got: "\(stranger.first)")
        }
        return Set(numbers.indices.filter { place in ranges.contains { $0.contains(numbers[place]) } })
    }
}

/// Episode numbers in a row, as Python writes them: `3:10` is 3 to 9, `3:` all from 3 on.
public struct EpisodeRange: Sendable, Hashable {
    public let first: Int
    /// Not included; nil: no end.
    public let end: Int?
    let isSingle: Bool

    public init(_ number: Int) { self.init(first: number, end: number + 1, isSingle: true) }

    private init(first: Int, end: Int?, isSingle: Bool) {
        (self.first, self.end, self.isSingle) = (first, end, isSingle)
    }

    /// - Returns: nil for anything but `N`, `A:B`, `A:` and `:B` of whole numbers from 0, with something between.
    public init?(_ text: String) {
        if let number = Int(text), number >= 0 {
            self.init(number)
            return
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let first = parts[0].isEmpty ? 0 : Int(parts[0]), first >= 0 else { return nil }
        var end: Int?
        if !parts[1].isEmpty {
            guard let number = Int(parts[1]), number > first else { return nil }
            end = number
        }
        self.init(first: first, end: end, isSingle: false)
    }

    public var text: String { isSingle ? "\(first)" : "\(first):\(end.map { "\($0)" } ?? "")" }

    func contains(_ number: Int) -> Bool { number >= first && end.map { number < $0 } ?? true }
}
