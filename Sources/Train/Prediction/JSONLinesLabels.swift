import Formats

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

    /// One line with its newline. Floats have as many digits as tell them apart.
    static func line(_ row: EpisodeLabels.Row, episode: Int, hasPads: Bool) -> String {
        func list(_ items: some Sequence<some CustomStringConvertible>) -> String {
            "[" + items.map(\.description).joined(separator: ", ") + "]"
        }
        var fields = [
            "\"episode_index\": \(episode)", "\"frame_index\": \(row.frame)", "\"target_frame_index\": \(row.target)",
        ]
        if hasPads { fields.append("\"is_pad\": \(row.isPad)") }
        fields.append("\"latent_action\": \(list(row.codes))")
        if let codes = row.uncontrolled { fields.append("\"latent_action_uncontrolled\": \(list(codes))") }
        if let rows = row.embeddings { fields.append("\"latent_embedding\": \(list(rows.map { list($0) }))") }
        return "{" + fields.joined(separator: ", ") + "}\n"
    }
}
