import Formats
import Foundation

extension LeRobotMetadata {
    /// v3.0: Parquet tables, several episodes per data file and per video. SPEC_LEROBOT §3.
    static func readV3(root: String, info: DatasetInfo) throws -> LeRobotMetadata {
        let tasks = try readTaskTable(path: "\(root)/meta/tasks.parquet")
        let cameras = info.cameras.filter { $0.kind == .video }.map(\.key)
        var rows: [EpisodeRow] = []
        for path in try episodeTables(root: root) {
            rows += try EpisodeRow.read(path: path, cameras: cameras)
        }
        rows.sort { $0.episodeIndex < $1.episodeIndex }
        for (row, next) in zip(rows, rows.dropFirst()) where row.episodeIndex == next.episodeIndex {
            throw next.invalid("episode_index", "each episode once", "\(row.episodeIndex) again")
        }
        // From here on sums of lengths cannot overflow.
        var total = 0
        for row in rows {
            total += row.length
            guard total <= DatasetInfo.countLimit else {
                throw row.invalid("length", "at most \(DatasetInfo.countLimit) frames in all", "\(total)")
            }
        }
        return LeRobotMetadata(
            episodes: locate(rows, cameras: cameras.count), tasks: tasks,
            episodesSource: "meta/episodes", tasksSource: "meta/tasks.parquet")
    }

    /// Texts are the table's pandas index: an ordinary column that the `pandas` metadata name, `__index_level_0__` if
    /// the index has no name of its own.
    private static func readTaskTable(path: String) throws -> [LeRobotDataset.Task] {
        try MetadataFile.requireContent(path: path, purpose: "the dataset's tasks")
        let table = try ParquetFile(path: path)
        let pandas = try table.keyValueMetadata["pandas"].map { try JSON.parse($0.utf8, path: path) }
        let named = pandas?["index_columns"]?.array?.compactMap(\.string) ?? []
        let columns = table.columnNames.filter { $0 != "task_index" }
        guard let column = (named + ["__index_level_0__", "task"]).first(where: columns.contains) else {
            throw DataError.invalidField(
                path: path, line: nil, field: "columns", expected: "task texts in __index_level_0__ or task",
                got: columns.joined(separator: ", "))
        }
        let indexes = try table.int64s("task_index")
        return zip(indexes, try table.strings(column)).map { LeRobotDataset.Task(index: Int($0), text: $1) }
            .sorted { $0.index < $1.index }
    }

    /// `meta/episodes/chunk-CCC/file-FFF.parquet`, in order.
    static func episodeTables(root: String) throws -> [String] {
        let folder = "\(root)/meta/episodes"
        let chunks = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let paths = chunks.filter { $0.hasPrefix("chunk-") }.sorted().flatMap { chunk in
            let files = (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(chunk)")) ?? []
            return files.filter { $0.hasPrefix("file-") && $0.hasSuffix(".parquet") }.sorted()
                .map { "\(folder)/\(chunk)/\($0)" }
        }
        guard !paths.isEmpty else {
            throw DataError.missingFile(
                path: "\(folder)/chunk-000/file-000.parquet", purpose: "the dataset's episodes")
        }
        for path in paths { try MetadataFile.requireContent(path: path, purpose: "the dataset's episodes") }
        return paths
    }

    /// Adds to each episode where its rows and frames lie among those of the other episodes of a file.
    private static func locate(_ rows: [EpisodeRow], cameras: Int) -> [Episode] {
        var firstRow: [FileNumber: Int] = [:]
        for row in rows { firstRow[row.dataFile] = min(firstRow[row.dataFile] ?? .max, row.from) }

        var videos = rows.map { $0.videos.map { VideoLocation($0, framesBefore: 0, framesInFile: 0) } }
        for camera in 0..<cameras {
            let inFileOrder = rows.indices.sorted {
                (rows[$0].videos[camera].from, $0) < (rows[$1].videos[camera].from, $1)
            }
            var frames: [FileNumber: Int] = [:]
            for position in inFileOrder {
                let place = rows[position].videos[camera]
                let before = frames[place.file, default: 0]
                videos[position][camera] = VideoLocation(place, framesBefore: before, framesInFile: 0)
                frames[place.file] = before + rows[position].length
            }
            for position in rows.indices {
                let place = rows[position].videos[camera]
                videos[position][camera] = VideoLocation(
                    place, framesBefore: videos[position][camera].framesBefore, framesInFile: frames[place.file] ?? 0)
            }
        }
        var texts = SharedTexts()
        return rows.enumerated().map { position, row in
            let start = row.from - (firstRow[row.dataFile] ?? row.from)
            return Episode(
                episodeIndex: row.episodeIndex, length: row.length, tasks: texts.shared(row.tasks),
                dataFile: row.dataFile,
                rows: start..<start + row.length, globalFrames: row.from..<row.to, videos: videos[position])
        }
    }
}

extension VideoLocation {
    fileprivate init(_ place: EpisodeRow.VideoPlace, framesBefore: Int, framesInFile: Int) {
        self.init(
            file: place.file, fromTimestamp: place.from, framesBefore: framesBefore, framesInFile: framesInFile)
    }
}

/// One row of `meta/episodes`. Column names contain slashes and dots; they are compared whole.
private struct EpisodeRow {
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
    /// Global `index` range, end exclusive.
    let from: Int
    let to: Int
    let videos: [VideoPlace]

    func invalid(_ field: String, _ expected: String, _ got: String) -> DataError {
        .invalidField(path: path, line: nil, field: "\(field) of row \(row)", expected: expected, got: got)
    }

    static func read(path: String, cameras: [String]) throws -> [EpisodeRow] {
        let table = try ParquetFile(path: path)
        let names = Set(table.columnNames)
        func integers(_ column: String) throws -> [Int] {
            try table.int64s(column).enumerated().map { row, value in
                guard (0...Int64(DatasetInfo.countLimit)).contains(value) else {
                    throw DataError.invalidField(
                        path: path, line: nil, field: "\(column) of row \(row)",
                        expected: "an integer in 0…\(DatasetInfo.countLimit)", got: "\(value)")
                }
                return Int(value)
            }
        }
        let indexes = try integers("episode_index")
        let lengths = try integers("length")
        let tasks = try table.values("tasks")
        let chunks = try integers("data/chunk_index")
        let files = try integers("data/file_index")
        let from = try integers("dataset_from_index")
        let to = try integers("dataset_to_index")
        let videos = try cameras.map { camera in
            let columns = ["chunk_index", "file_index", "from_timestamp"].map { "videos/\(camera)/\($0)" }
            if let missing = columns.first(where: { !names.contains($0) }) {
                throw DataError.missingCameraColumn(path: path, camera: camera, column: missing)
            }
            return zip(zip(try integers(columns[0]), try integers(columns[1])), try table.doubles(columns[2])).map {
                VideoPlace(file: FileNumber(chunk: $0.0, file: $0.1), from: $1)
            }
        }
        return try indexes.indices.map { row in
            let result = EpisodeRow(
                path: path, row: row, episodeIndex: indexes[row], length: lengths[row], tasks: texts(tasks[row]),
                dataFile: FileNumber(chunk: chunks[row], file: files[row]), from: from[row], to: to[row],
                videos: videos.map { $0[row] })
            for place in result.videos where !(0...1e9).contains(place.from) {
                throw result.invalid("from_timestamp", "seconds ≥ 0", "\(place.from)")
            }
            guard result.length > 0 else { throw result.invalid("length", "at least 1", "0") }
            guard result.to - result.from == result.length else {
                throw result.invalid(
                    "dataset_to_index − dataset_from_index", "the length \(result.length)", "\(result.to - result.from)"
                )
            }
            return result
        }
    }

    private static func texts(_ value: ParquetValue) -> [String] {
        guard case .list(let values) = value else { return [] }
        return values.compactMap { if case .string(let text) = $0 { text } else { nil } }
    }
}
