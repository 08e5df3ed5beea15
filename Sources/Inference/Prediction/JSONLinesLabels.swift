import Formats
import Foundation

/// Latent actions as JSON lines: one object for each pair, in the order of frames.
public struct JSONLinesLabels: LabelFormat {
    public init() {}

    public var fileExtension: String { "jsonl" }

    public func write(_ labels: EpisodeLabels, columns: LabelColumns, to path: String) throws {
        try AtomicFile.write(to: path) { file throws(FormatError) in
            for row in labels.rows {
                try file.write(Array(Self.line(row, episode: labels.episode, hasPads: columns.pads).utf8))
            }
        }
    }

    private struct Line: Decodable {
        var frame_index: Int64
        var target_frame_index: Int64
        var is_pad: Bool?
        var latent_action: [Int32]?
        var latent_action_uncontrolled: [Int32]?
        var latent_embedding: [[Float]]?
    }

    public func rows(of path: String, columns: LabelColumns) throws -> [EpisodeLabels.Row] {
        guard let content = try? Data(contentsOf: URL(fileURLWithPath: path)) else {
            throw PredictionError.unreadableLabels(path: path, expected: "a file of JSON lines", got: "none")
        }
        return try content.split(separator: 0x0A).map { text in
            guard let line = try? JSONDecoder().decode(Line.self, from: Data(text)) else {
                throw PredictionError.unreadableLabels(
                    path: path, expected: "frames and codes", got: String(decoding: text.prefix(80), as: UTF8.self))
            }
            return EpisodeLabels.Row(
                frame: try PredictionError.checked(line.frame_index, "frame_index", in: 0..<Int.max, path: path),
                target: try PredictionError.checked(
                    line.target_frame_index, "target_frame_index", in: 0..<Int.max, path: path),
                isPad: line.is_pad ?? false, codes: line.latent_action, uncontrolled: line.latent_action_uncontrolled,
                embeddings: line.latent_embedding)
        }
    }

    /// One line with its newline. Floats have as many digits as tell them apart.
    static func line(_ row: EpisodeLabels.Row, episode: Int, hasPads: Bool) -> String {
        func list(_ items: some Sequence<some CustomStringConvertible>) -> String {
            "[" + items.map(\.description).joined(separator: ", ") + "]"
        }
        var fields = [
            "\"episode_index\": \(episode)", "\"frame_index\": \(row.frame)", "\"target_frame_index\": \(row.target)",
        ]
        if hasPads { fields.append("\"is_pad\": \(row.isPad)") }
        if let codes = row.codes { fields.append("\"latent_action\": \(list(codes))") }
        if let codes = row.uncontrolled { fields.append("\"latent_action_uncontrolled\": \(list(codes))") }
        if let rows = row.embeddings { fields.append("\"latent_embedding\": \(list(rows.map { list($0) }))") }
        return "{" + fields.joined(separator: ", ") + "}\n"
    }
}
