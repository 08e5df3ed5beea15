import Formats
import Parquet

/// Latent actions as Parquet: a row for each pair, in the order of frames, with the column names of the JSON lines.
public struct ParquetLabels: LabelFormat {
    public init() {}

    public var fileExtension: String { "parquet" }

    public func write(_ labels: EpisodeLabels, columns: LabelColumns, to path: String) throws {
        let integer = ParquetType.integer(bits: 64, isSigned: true)
        func integers(_ name: String, _ value: (EpisodeLabels.Row) -> Int) -> ParquetColumn {
            ParquetColumn(name, integer, labels.rows.map { .int(Int64(value($0))) })
        }
        func codes(_ name: String, _ value: (EpisodeLabels.Row) -> [Int32]?) -> ParquetColumn {
            ParquetColumn(
                name, .list(integer), labels.rows.map { .list((value($0) ?? []).map { .int(Int64($0)) }) })
        }
        var written = [
            integers("episode_index") { _ in labels.episode }, integers("frame_index", \.frame),
            integers("target_frame_index", \.target),
        ]
        if columns.pads { written.append(ParquetColumn("is_pad", .bool, labels.rows.map { .bool($0.isPad) })) }
        if columns.codes { written.append(codes("latent_action", \.codes)) }
        if columns.uncontrolled { written.append(codes("latent_action_uncontrolled", \.uncontrolled)) }
        if columns.embeddings {
            let rows = labels.rows.map { row in
                ParquetValue.list((row.embeddings ?? []).map { .list($0.map { .float($0) }) })
            }
            written.append(ParquetColumn("latent_embedding", .list(.list(.float)), rows))
        }
        try ParquetFile.write(written, to: path)
    }

    public func rows(of path: String, columns: LabelColumns) throws -> [EpisodeLabels.Row] {
        let table = try ParquetFile(path: path)
        func codes(_ name: String) throws -> [[Int32]] {
            try table.values(name).map { value in
                guard case .list(let values) = value else {
                    throw PredictionError.unreadableLabels(path: path, expected: "lists of \(name)", got: "\(value)")
                }
                return try values.map { value in
                    guard case .int(let code) = value, let code = Int32(exactly: code) else {
                        throw PredictionError.unreadableLabels(
                            path: path, expected: "codes in \(name)", got: "\(value)")
                    }
                    return code
                }
            }
        }
        func vectors(_ value: ParquetValue) throws -> [[Float]] {
            guard case .list(let rows) = value else {
                throw PredictionError.unreadableLabels(path: path, expected: "vectors", got: "\(value)")
            }
            return try rows.map { row in
                guard case .list(let values) = row else {
                    throw PredictionError.unreadableLabels(path: path, expected: "vectors", got: "\(row)")
                }
                return try values.map { value in
                    guard case .float(let number) = value else {
                        throw PredictionError.unreadableLabels(path: path, expected: "f32 numbers", got: "\(value)")
                    }
                    return number
                }
            }
        }
        let frames = try table.int64s("frame_index")
        let targets = try table.int64s("target_frame_index")
        let pads = columns.pads ? try table.values("is_pad") : []
        let actions = columns.codes ? try codes("latent_action") : []
        let uncontrolled = columns.uncontrolled ? try codes("latent_action_uncontrolled") : []
        let embeddings = columns.embeddings ? try table.values("latent_embedding") : []
        return try frames.indices.map { row in
            EpisodeLabels.Row(
                frame: try PredictionError.checked(frames[row], "frame_index", in: 0..<Int.max, path: path),
                target: try PredictionError.checked(targets[row], "target_frame_index", in: 0..<Int.max, path: path),
                isPad: columns.pads && pads[row] == .bool(true), codes: columns.codes ? actions[row] : nil,
                uncontrolled: columns.uncontrolled ? uncontrolled[row] : nil,
                embeddings: columns.embeddings ? try vectors(embeddings[row]) : nil)
        }
    }
}
