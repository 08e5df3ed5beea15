import Formats

/// Latent actions as NumPy arrays: a `.npz` for each episode, with an entry along the first axis for each pair, by the names of
/// the JSON lines.
public struct NPZLabels: LabelFormat {
    public init() {}

    public var fileExtension: String { "npz" }
    public var isReadable: Bool { false }

    public func write(_ labels: EpisodeLabels, columns: LabelColumns, to path: String) throws {
        let count = labels.rows.count
        func integers(_ name: String, _ value: (EpisodeLabels.Row) -> Int) -> NPZFile.Item {
            NPZFile.Item(name, shape: [count], .int64s(labels.rows.map { Int64(value($0)) }))
        }
        func codes(_ name: String, _ value: (EpisodeLabels.Row) -> [Int32]?) -> NPZFile.Item {
            let rows = labels.rows.map { value($0) ?? [] }
            return NPZFile.Item(
                name, shape: [count, rows.first?.count ?? 0], .int64s(rows.flatMap { $0.map { Int64($0) } }))
        }
        var items = [
            integers("episode_index") { _ in labels.episode }, integers("frame_index", \.frame),
            integers("target_frame_index", \.target),
        ]
        if columns.pads { items.append(NPZFile.Item("is_pad", shape: [count], .bools(labels.rows.map(\.isPad)))) }
        if columns.codes { items.append(codes("latent_action", \.codes)) }
        if columns.uncontrolled { items.append(codes("latent_action_uncontrolled", \.uncontrolled)) }
        if columns.embeddings { items.append(Self.vectors("latent_embedding", labels.rows)) }
        try NPZFile.write(items, to: path)
    }

    private static func vectors(_ name: String, _ rows: [EpisodeLabels.Row]) -> NPZFile.Item {
        let vectors = rows.map { $0.embeddings ?? [] }
        let shape = [rows.count, vectors.first?.count ?? 0, vectors.first?.first?.count ?? 0]
        return NPZFile.Item(name, shape: shape, .floats(vectors.flatMap { $0.flatMap { $0 } }))
    }

    public func rows(of path: String, columns: LabelColumns) throws -> [EpisodeLabels.Row] {
        throw PredictionError.unreadableLabels(path: path, expected: "parquet or jsonl", got: fileExtension)
    }
}
