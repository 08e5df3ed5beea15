import DataCore
import Datasets
import Formats
import Foundation
import Parquet

/// The parts of episodes that have instructions of their own: `action_config`, LingBot-VA's addition to LeRobot's
/// episodes, by which `lam extract-latents` goes.
public struct ActionConfig: Sendable, Equatable {
    /// Where segments come from.
    public enum Source: Sendable, Equatable {
        /// A segment for each run of an episode's frames that have one task: usually all of it.
        case whole
        /// A JSON-lines file: `{"episode_index": 0, "action_config": [{"start_frame": 0, "end_frame": 110,
        /// "action_text": "…"}]}`.
        case file(String)
    }

    /// By `episode_index` of the source.
    public let segments: [Int: [ActionSegment]]

    init(_ segments: [Int: [ActionSegment]]) { self.segments = segments }

    /// - Parameter episodes: by their indices.
    /// - Throws: `ConversionError.segments` for segments that do not fit; `DataError` for an unreadable file.
    init(_ source: Source, episodes: [RobotEpisode]) throws {
        switch source {
        case .whole:
            segments = Dictionary(
                episodes.map { episode in
                    let known = episode.taskSpans
                    let spans = known.isEmpty ? [TaskSpan(start: 0, end: episode.length, text: "")] : known
                    return (
                        episode.index,
                        spans.map { ActionSegment(startFrame: $0.start, endFrame: $0.end, text: $0.text) }
                    )
                }, uniquingKeysWith: { first, _ in first })
        case .file(let path):
            let file = try MetadataFile(path: path, purpose: "segments of episodes")
            var segments: [Int: [ActionSegment]] = [:]
            for (line, json) in try file.lines() {
                let index = try file.integer(
                    json["episode_index"], "episode_index", in: 0...DatasetInfo.countLimit, line: line)
                guard let config = json["action_config"] else {
                    throw file.invalid("action_config", "a list of segments", nil, line: line)
                }
                segments[index] = try Self.parse(config, file, line: line)
            }
            self.segments = segments
            try check(episodes, path: path)
        }
    }

    /// The entries of one `action_config`.
    static func parse(_ json: JSON, _ file: MetadataFile, line: Int) throws -> [ActionSegment] {
        guard let list = json.array else { throw file.invalid("action_config", "a list of segments", json, line: line) }
        let limit = 0...DatasetInfo.countLimit
        return try list.map { entry in
            let start = try file.integer(entry["start_frame"], "action_config.start_frame", in: limit, line: line)
            let end = try file.integer(entry["end_frame"], "action_config.end_frame", in: limit, line: line)
            guard let text = entry["action_text"]?.string else {
                throw file.invalid("action_config.action_text", "a string", entry["action_text"], line: line)
            }
            guard start < end else {
                throw file.invalid("action_config.end_frame", "more than \(start)", .int(end), line: line)
            }
            return ActionSegment(startFrame: start, endFrame: end, text: text)
        }
    }

    /// Checks that segments belong to episodes and lie within them, in order.
    func check(_ episodes: [RobotEpisode], path: String) throws {
        let lengths = Dictionary(episodes.map { ($0.index, $0.length) }, uniquingKeysWith: { first, _ in first })
        for (index, segments) in segments.sorted(by: { $0.key < $1.key }) {
            guard let length = lengths[index] else {
                throw ConversionError.segments(
                    path: path, episode: index, expected: "one of \(episodes.count) episodes", got: "another")
            }
            var last = 0
            for segment in segments {
                guard segment.endFrame <= length else {
                    throw ConversionError.segments(
                        path: path, episode: index, expected: "frames up to \(length)",
                        got: "\(segment.startFrame) to \(segment.endFrame)")
                }
                guard segment.startFrame >= last else {
                    throw ConversionError.segments(
                        path: path, episode: index, expected: "a segment from frame \(last) on",
                        got: "one from \(segment.startFrame)")
                }
                last = segment.endFrame
            }
        }
    }

    /// The value of `action_config` of an episode; an empty list where it has no segments.
    func json(_ episode: Int) -> JSON {
        .array(
            (segments[episode] ?? []).map {
                .object([
                    ("start_frame", .int($0.startFrame)), ("end_frame", .int($0.endFrame)),
                    ("action_text", .string($0.text)),
                ])
            })
    }

    /// The same for Parquet.
    func value(_ episode: Int) -> ParquetValue {
        .list(
            (segments[episode] ?? []).map {
                .structure([
                    .init(name: "start_frame", value: .int(Int64($0.startFrame))),
                    .init(name: "end_frame", value: .int(Int64($0.endFrame))),
                    .init(name: "action_text", value: .string($0.text)),
                ])
            })
    }

    static let parquetType = ParquetType.list(
        .structure([
            ("start_frame", .integer(bits: 64, isSigned: true)), ("end_frame", .integer(bits: 64, isSigned: true)),
            ("action_text", .string),
        ]))
}
