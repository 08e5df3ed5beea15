import Formats
import Foundation
import LAMTrain
import Loggers

/// Latent actions as the LARY benchmark takes them (arXiv 2604.11689, `lary/extract.py`): a `.npz` for each pair with `tokens`, f32
/// `[n, L]`, and `indices`, int64 `[n]` or empty, and a CSV whose column `la_path` names them.
///
/// Each episode has a CSV and a folder of its pairs beside it; `lary.csv` in the dataset's folder has the rows of all.
/// Paths are relative to that folder, which is what `LARY_LA_DIR` wants to be.
public struct LARYLabels: LabelFormat {
    static let columns = "la_path,episode_index,frame_index,target_frame_index"
    static let tableName = "lary.csv"

    public init() {}

    public var fileExtension: String { "csv" }
    public var isReadable: Bool { false }

    public func write(_ labels: EpisodeLabels, columns: LabelColumns, to path: String) throws {
        let folder = String(path.dropLast(fileExtension.count + 1))
        let parts = folder.split(separator: "/").suffix(2).joined(separator: "/")
        try Folder.create(folder)
        var lines = [Self.columns]
        for row in labels.rows {
            let name = "latent_action_" + String(format: "%08d", row.frame) + ".npz"
            let vectors = row.embeddings ?? [], codes = row.codes ?? []
            try NPZFile.write(
                [
                    NPZFile.Item(
                        "tokens", shape: [vectors.count, vectors.first?.count ?? 0], .floats(vectors.flatMap { $0 })),
                    NPZFile.Item("indices", shape: [codes.count], .int64s(codes.map { Int64($0) })),
                ], to: "\(folder)/\(name)")
            lines.append("\(parts)/\(name),\(labels.episode),\(row.frame),\(row.target)")
        }
        // Last, since an episode whose CSV is there is complete.
        try AtomicFile.write(Array((lines.joined(separator: "\n") + "\n").utf8), to: path)
    }

    public func rows(of path: String, columns: LabelColumns) throws -> [EpisodeLabels.Row] {
        throw PredictionError.unreadableLabels(path: path, expected: "parquet or jsonl", got: "lary")
    }

    /// Writes the rows of all episodes' tables to one.
    public func complete(_ files: [String], in folder: String) throws {
        try AtomicFile.write(to: "\(folder)/\(Self.tableName)") { file throws(FormatError) in
            try file.write(Array((Self.columns + "\n").utf8))
            for path in files {
                let content = try MappedFile(path: path)
                let rows = withExtendedLifetime(content) {
                    content.bytes.split(separator: 0x0A).dropFirst().map { [UInt8]($0) }
                }
                for row in rows { try file.write(row + [0x0A]) }
            }
        }
    }
}
