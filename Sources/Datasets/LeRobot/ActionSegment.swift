import DataCore
import Formats
import Foundation
import Parquet

/// A part of an episode with its own instruction: one entry of `action_config`, LingBot-VA's addition to LeRobot's episodes.
public struct ActionSegment: Sendable, Hashable {
    /// Frames `startFrame ..< endFrame` of the episode, as the file has them: they may be outside of it.
    public let startFrame: Int
    public let endFrame: Int
    public let text: String

    public init(startFrame: Int, endFrame: Int, text: String) {
        self.startFrame = startFrame
        self.endFrame = endFrame
        self.text = text
    }
}

/// An entry of `action_config`, or why it is none.
public enum ActionEntry: Sendable, Hashable {
    case segment(ActionSegment)
    case malformed(reason: String)
}

extension LeRobotDataset {
    /// The entries of `action_config` by episode index; episodes that have none are left out.
    ///
    /// v2.x has them in the lines of `meta/episodes.jsonl`. v3.0 may have them in a column of `meta/episodes`, as structures
    /// or as JSON, or in a `meta/episodes.jsonl` beside it.
    /// - Throws: `DataError`, `ParquetError` where a file cannot be read at all.
    public func actionEntries() throws -> [Int: [ActionEntry]] {
        var entries: [Int: [ActionEntry]] = [:]
        if info.codebaseVersion == .v30 {
            for path in try LeRobotMetadata.episodeTables(root: root) {
                let table = try ParquetFile(path: path)
                guard table.columnNames.contains("action_config") else { continue }
                let configs = try table.values("action_config")
                for (index, config) in zip(try table.int64s("episode_index"), configs) where config != .null {
                    entries[Int(index)] = Self.entries(config, path: path)
                }
            }
            guard entries.isEmpty, FileManager.default.fileExists(atPath: root + "/meta/episodes.jsonl") else {
                return entries
            }
        }
        let file = try MetadataFile(path: root + "/meta/episodes.jsonl", purpose: "the dataset's episodes")
        for (_, line) in try file.lines() {
            guard let index = line["episode_index"]?.int, let config = line["action_config"] else { continue }
            if case .null = config { continue }
            entries[index] = Self.entries(config)
        }
        return entries
    }

    private static func entries(_ config: JSON) -> [ActionEntry] {
        guard let list = config.array else { return [.malformed(reason: "action_config is \(config.summary)")] }
        return list.map { entry in
            guard let start = entry["start_frame"]?.int, let end = entry["end_frame"]?.int,
                let text = entry["action_text"]?.string
            else {
                return .malformed(
                    reason:
                        "expected start_frame, end_frame and action_text, got \(entry["start_frame"]?.summary ?? "nothing")"
                        + ", \(entry["end_frame"]?.summary ?? "nothing") and \(entry["action_text"]?.summary ?? "nothing")"
                )
            }
            return .segment(ActionSegment(startFrame: start, endFrame: end, text: text))
        }
    }

    private static func entries(_ config: ParquetValue, path: String) -> [ActionEntry] {
        switch config {
        case .string(let text):
            guard let json = try? JSON.parse(text.utf8, path: path) else {
                return [.malformed(reason: "action_config is no JSON")]
            }
            return entries(json)
        case .list(let list):
            return list.map { entry in
                guard case .int(let start)? = entry["start_frame"], case .int(let end)? = entry["end_frame"],
                    case .string(let text)? = entry["action_text"]
                else { return .malformed(reason: "expected start_frame, end_frame and action_text") }
                return .segment(ActionSegment(startFrame: Int(start), endFrame: Int(end), text: text))
            }
        default: return [.malformed(reason: "action_config is neither a list nor JSON")]
        }
    }
}
