import DataCore
import Datasets
import Formats
import Foundation

/// `action_config` in `meta/episodes.jsonl` of a LeRobot dataset of v2.x: looking at it and adding it.
public struct ActionConfigFile {
    /// What is there.
    public struct Summary: Sendable, Equatable {
        public let episodes: Int
        /// Episodes with at least one segment.
        public let withSegments: Int
        public let segments: Int
    }

    private let path: String
    private let lines: [(line: Int, value: JSON)]
    private let file: MetadataFile
    private let dataset: LeRobotDataset
    private let episodes: [RobotEpisode]

    /// - Parameter dataset: of v2.0 or v2.1.
    /// - Throws: `ConversionError.unsupported` for v3.0; `DataError`.
    public init(_ dataset: LeRobotDataset) throws {
        guard dataset.info.codebaseVersion != .v30 else {
            throw ConversionError.unsupported(
                dataset: dataset.name,
                what:
                    "v3.0 has no meta/episodes.jsonl; lam convert --format v2.1 --action-config makes a dataset that has"
            )
        }
        path = "\(dataset.root)/meta/episodes.jsonl"
        file = try MetadataFile(path: path, purpose: "the dataset's episodes")
        lines = try file.lines()
        self.dataset = dataset
        episodes = dataset.episodes.indices.map { dataset.episode($0) }
    }

    /// Checks what is there: the form of segments, and that they lie in their episodes.
    ///
    /// - Throws: `DataError.invalidField`, `ConversionError.segments`.
    public func check() throws -> Summary {
        var found: [Int: [ActionSegment]] = [:]
        for (line, json) in lines {
            guard let config = json["action_config"], let index = json["episode_index"]?.int else { continue }
            found[index] = try ActionConfig.parse(config, file, line: line)
        }
        try ActionConfig(found).check(episodes, path: path)
        return summary(found)
    }

    /// Gives the episodes segments; those that the source does not name keep theirs.
    ///
    /// - Throws: `ConversionError.segments`; `DataError`; `FormatError.io`.
    public func write(_ source: ActionConfig.Source) throws -> Summary {
        if source == .whole { try dataset.requireTasks() }
        let config = try ActionConfig(source, episodes: episodes)
        var text = ""
        for (_, json) in lines {
            guard case .object(var members) = json, let index = json["episode_index"]?.int,
                config.segments[index] != nil
            else {
                text += json.text() + "\n"
                continue
            }
            members.removeAll { $0.key == "action_config" }
            text += JSON.object(members + [("action_config", config.json(index))]).text() + "\n"
        }
        try AtomicFile.write(Array(text.utf8), to: path)
        return summary(config.segments)
    }

    private func summary(_ segments: [Int: [ActionSegment]]) -> Summary {
        Summary(
            episodes: episodes.count, withSegments: segments.values.count { !$0.isEmpty },
            segments: segments.values.reduce(0) { $0 + $1.count })
    }
}
