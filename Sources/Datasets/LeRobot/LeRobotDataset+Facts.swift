import DataCore
import Foundation
import Parquet

extension LeRobotDataset {
    /// By `meta/episodes` or `meta/episodes.jsonl`, whose fields are whatever a writer put there: `success`, `operator`, …
    public func episodeFacts(_ field: String) throws -> [[String]]? {
        var texts: [Int: [String]] = [:]
        var isKnown = false
        if info.codebaseVersion == .v30 {
            for path in try LeRobotMetadata.episodeTables(root: root) {
                let table = try ParquetFile(path: path)
                guard table.columnNames.contains(field) else { continue }
                isKnown = true
                for (index, value) in zip(try table.int64s("episode_index"), try table.values(field)) {
                    texts[Int(index)] = Self.texts(value)
                }
            }
        } else {
            let file = try MetadataFile(path: root + "/meta/episodes.jsonl", purpose: "the dataset's episodes")
            for (_, line) in try file.lines() {
                guard let index = line["episode_index"]?.int, let value = line[field] else { continue }
                isKnown = true
                texts[index] = Self.texts(value)
            }
        }
        return isKnown ? episodes.map { texts[$0.episodeIndex] ?? [] } : nil
    }

    public func keeping(_ positions: [Int]) -> (any RobotDataset)? {
        var copy = self
        copy.episodes = positions.map { episodes[$0] }
        return copy
    }

    private static func texts(_ value: ParquetValue) -> [String] {
        switch value {
        case .bool(let value): ["\(value)"]
        case .int(let value): ["\(value)"]
        case .unsigned(let value): ["\(value)"]
        case .float(let value): ["\(value)"]
        case .double(let value): ["\(value)"]
        case .string(let text): [text]
        case .list(let values): values.flatMap { texts($0) }
        default: []
        }
    }

    private static func texts(_ value: JSON) -> [String] {
        switch value {
        case .bool(let value): ["\(value)"]
        case .int(let value): ["\(value)"]
        case .double(let value): ["\(value)"]
        case .string(let text): [text]
        case .array(let values): values.flatMap { texts($0) }
        default: []
        }
    }
}
