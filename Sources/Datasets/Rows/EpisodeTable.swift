import DataCore
import Formats
import Parquet

/// One row of `meta/episodes` of v3.0.
struct EpisodeRow {
    struct VideoPlace {
        let file: FileNumber
        let from: Double
    }

    /// Table and row it comes from, for messages.
    let path: String
    let row: Int
    let episodeIndex: Int
    let length: Int
    let tasks: [String]
    let dataFile: FileNumber
    /// First value of the global `index`; nil where the table does not say.
    let from: Int?
    /// Per camera; nil where the episode has no video of it.
    let videos: [VideoPlace?]

    func invalid(_ field: String, _ expected: String, _ got: String) -> DataError {
        .invalidField(path: path, line: nil, field: "\(field) of row \(row)", expected: expected, got: got)
    }
}

/// A file of `meta/episodes`. Column names contain slashes and dots; they are compared whole.
///
/// Only `episode_index` and `length` have to be there, and the latter may follow from the range of `index`. LeRobot's own
/// tools write tables without `tasks`, converters leave out where the rows lie, and pandas makes floats of integers.
struct EpisodeTable {
    /// Cameras without columns.
    private(set) var undescribed: [String: DataError] = [:]

    private let table: ParquetFile
    private let path: String
    private let cameras: [String]
    private let names: Set<String>

    init(path: String, cameras: [String]) throws {
        self.path = path
        self.cameras = cameras
        table = try ParquetFile(path: path)
        names = Set(table.columnNames)
        for camera in cameras {
            guard let missing = Self.columns(of: camera).first(where: { !names.contains($0) }) else { continue }
            undescribed[camera] = .missingCameraColumn(path: path, camera: camera, column: missing)
        }
    }

    private static func columns(of camera: String) -> [String] {
        ["chunk_index", "file_index", "from_timestamp"].map { "videos/\(camera)/\($0)" }
    }

    /// - Throws: `DataError.invalidField` naming column and row; `ParquetError`.
    func rows() throws -> [EpisodeRow] {
        let indexes = try required("episode_index")
        let from = try optional("dataset_from_index"), to = try optional("dataset_to_index")
        let lengths = try self.lengths(from: from, to: to)
        let tasks = names.contains("tasks") ? try table.values("tasks") : []
        let chunks = try optional("data/chunk_index"), files = try optional("data/file_index")
        let videos = try cameras.map { try places(of: $0) }
        return indexes.indices.map { row in
            EpisodeRow(
                path: path, row: row, episodeIndex: indexes[row], length: lengths[row],
                tasks: tasks.isEmpty ? [] : Self.texts(tasks[row]),
                // Rows are found by what they say; without numbers the search begins at the first file.
                dataFile: FileNumber(chunk: chunks?[row] ?? 0, file: files?[row] ?? 0), from: from?[row],
                videos: videos.map { $0.isEmpty ? nil : $0[row] })
        }
    }

    private static let limit = 0...DatasetInfo.countLimit

    private func optional(_ column: String) throws -> [Int?]? {
        names.contains(column) ? try table.exactIntegers(column, of: Self.limit) : nil
    }

    private func required(_ column: String) throws -> [Int] {
        guard let values = try optional(column) else {
            throw DataError.invalidField(
                path: path, line: nil, field: "columns", expected: column,
                got: table.columnNames.joined(separator: ", "))
        }
        return try values.enumerated().map { row, value in
            guard let value else { throw invalid(column, row, "an integer", "null") }
            return value
        }
    }

    private func invalid(_ column: String, _ row: Int, _ expected: String, _ got: String) -> DataError {
        .invalidField(path: path, line: nil, field: "\(column) of row \(row)", expected: expected, got: got)
    }

    /// The column, which the range of `index` confirms or stands in for.
    private func lengths(from: [Int?]?, to: [Int?]?) throws -> [Int] {
        let lengths: [Int]
        if names.contains("length") {
            lengths = try required("length")
        } else if let from, let to {
            lengths = try zip(from, to).enumerated().map { row, range in
                guard let from = range.0, let to = range.1, from <= to else {
                    throw invalid("dataset_to_index", row, "the end of a range, as there is no length", "none")
                }
                return to - from
            }
        } else {
            lengths = try required("length")
        }
        guard let from, let to else { return lengths }
        for (row, length) in lengths.enumerated() {
            guard let from = from[row], let to = to[row], to - from != length else { continue }
            throw invalid("dataset_to_index − dataset_from_index", row, "the length \(length)", "\(to - from)")
        }
        return lengths
    }

    /// Where the episodes' frames lie; empty for a camera without columns.
    private func places(of camera: String) throws -> [EpisodeRow.VideoPlace?] {
        guard undescribed[camera] == nil else { return [] }
        let columns = Self.columns(of: camera)
        let chunks = try optional(columns[0]) ?? [], files = try optional(columns[1]) ?? []
        return try table.exactDoubles(columns[2]).enumerated().map { row, from in
            let isThere = [chunks[row] != nil, files[row] != nil, from != nil]
            guard isThere.contains(true) else { return nil }
            if let missing = isThere.firstIndex(of: false) {
                throw invalid(columns[missing], row, "a value, as the episode has others of this camera", "null")
            }
            guard let chunk = chunks[row], let file = files[row], let from else { return nil }
            guard (0...1e9).contains(from) else { throw invalid(columns[2], row, "seconds ≥ 0", "\(from)") }
            return EpisodeRow.VideoPlace(file: FileNumber(chunk: chunk, file: file), from: from)
        }
    }

    private static func texts(_ value: ParquetValue) -> [String] {
        switch value {
        case .list(let values): values.compactMap { if case .string(let text) = $0 { text } else { nil } }
        case .string(let text): [text]
        default: []
        }
    }
}
