import Foundation

/// The labels of one dataset as `lam predict` has left them, with their vectors.
struct StoredLabels {
    private static let widths = 1...65_536

    let folder: LabelFolder
    let description: LabelFolder.Description
    private let columns: LabelColumns
    private let path: String

    /// Numbers in the latents of a pair.
    var width: Int { description.codes_per_pair * description.latent_dim }

    /// - Throws: `TransferError`, `PredictionError` of a folder that has none.
    init(_ path: String) throws {
        self.path = path
        let file = "\(path)/\(LabelFolder.descriptionName)"
        guard FileManager.default.fileExists(atPath: file) else { throw TransferError.noLabels(path: path) }
        guard let content = try? Data(contentsOf: URL(fileURLWithPath: file)),
            let description = try? JSONDecoder().decode(LabelFolder.Description.self, from: content),
            Self.widths.contains(description.codes_per_pair), Self.widths.contains(description.latent_dim),
            Self.widths.contains(description.codes_per_pair * description.latent_dim)
        else { throw PredictionError.unreadableDescription(path: file) }
        guard description.has_embeddings else { throw TransferError.noVectors(path: path) }
        let formats: [any LabelFormat] = [ParquetLabels(), JSONLinesLabels()]
        guard let format = formats.first(where: { $0.fileExtension == description.format }) else {
            throw PredictionError.unreadableLabels(path: path, expected: "parquet or jsonl", got: description.format)
        }
        self.description = description
        folder = LabelFolder(path: path, format: format)
        columns = LabelColumns(
            pads: description.pad_at_end == "clamp", codes: description.codes > 0,
            uncontrolled: description.codes > 0 && description.stage == "stage-2", embeddings: true)
    }

    /// The labels of an episode; nil where it has no file.
    func rows(episode: Int) throws -> [EpisodeLabels.Row]? {
        guard episode >= 0, folder.isComplete(episode: episode) else { return nil }
        return try folder.rows(episode: episode, columns: columns)
    }

    /// A row's latents, side by side.
    func vector(_ row: EpisodeLabels.Row) throws -> [Double] {
        let values = (row.embeddings ?? []).flatMap { $0.map(Double.init) }
        guard values.count == width, values.allSatisfy(\.isFinite) else {
            throw PredictionError.unreadableLabels(
                path: path, expected: "\(width) finite numbers", got: "\(values.count) numbers")
        }
        return values
    }
}
