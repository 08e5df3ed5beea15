import DataCore
import Formats
import Foundation
import Parquet

extension LeRobotMetadata {
    /// v3.0: Parquet tables, several episodes per data file and per video. SPEC_LEROBOT §3.
    static func readV3(root: String, info: DatasetInfo) throws -> LeRobotMetadata {
        let tasks = try readTaskTable(root: root, info: info)
        let cameras = info.cameras.filter { $0.kind == .video }.map(\.key)
        var rows: [EpisodeRow] = []
        var undescribed: [String: DataError] = [:]
        for path in try episodeTables(root: root) {
            let table = try EpisodeTable(path: path, cameras: cameras)
            rows += try table.rows()
            undescribed.merge(table.undescribed, uniquingKeysWith: { first, _ in first })
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
        let empty = rows.filter { $0.length == 0 }.map(\.episodeIndex)
        rows.removeAll { $0.length == 0 }
        let ranges = cameras.indices.map { VideoRanges(rows, camera: $0, fps: info.fps) }
        let overlaps = zip(cameras, ranges).compactMap { camera, ranges in ranges.overlap.map { (camera, $0) } }
        return LeRobotMetadata(
            episodes: locate(rows, ranges), tasks: tasks, episodesSource: "meta/episodes",
            tasksSource: "meta/tasks.parquet", emptyEpisodes: empty, undescribed: undescribed,
            overlaps: Dictionary(overlaps, uniquingKeysWith: { first, _ in first }))
    }

    /// Adds to each episode where its rows should lie among those of the other episodes of a file, and its frames.
    private static func locate(_ rows: [EpisodeRow], _ videos: [VideoRanges]) -> [Episode] {
        var firstRow: [FileNumber: Int] = [:]
        var next = 0
        // What a table does not say follows from the order of the episodes.
        let globalFrames = rows.map { row in
            let from = row.from ?? next
            next = from + row.length
            return from..<next
        }
        for (row, frames) in zip(rows, globalFrames) {
            firstRow[row.dataFile] = min(firstRow[row.dataFile] ?? .max, frames.lowerBound)
        }
        var texts = SharedTexts()
        return rows.enumerated().map { position, row in
            let start = globalFrames[position].lowerBound - (firstRow[row.dataFile] ?? 0)
            return Episode(
                episodeIndex: row.episodeIndex, length: row.length, tasks: texts.shared(row.tasks),
                rows: EpisodeRows(file: row.dataFile, rows: start..<start + row.length),
                globalFrames: globalFrames[position], videos: videos.map { $0.locations[position] })
        }
    }

    /// Texts are the table's pandas index: an ordinary column that the `pandas` metadata name, `__index_level_0__` if
    /// the index has no name of its own.
    ///
    /// LeRobot itself reads no tasks where `total_tasks` is 0; converters have left those of v2.1 in their place.
    private static func readTaskTable(root: String, info: DatasetInfo) throws -> [LeRobotDataset.Task] {
        let path = "\(root)/meta/tasks.parquet"
        if !FileManager.default.fileExists(atPath: path) {
            let hasLines = FileManager.default.fileExists(atPath: "\(root)/meta/tasks.jsonl")
            if hasLines || info.totalTasks == 0 { return try readTasks(root: root, info: info) }
        }
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
        guard table.columnNames.contains("task_index") else {
            throw DataError.invalidField(
                path: path, line: nil, field: "columns", expected: "task_index beside the texts",
                got: columns.joined(separator: ", "))
        }
        let indexes = try table.exactIntegers("task_index", of: 0...DatasetInfo.countLimit)
        return try zip(indexes, try table.strings(column)).enumerated().map { row, task in
            guard let index = task.0 else {
                throw DataError.invalidField(
                    path: path, line: nil, field: "task_index of row \(row)", expected: "an integer", got: "null")
            }
            return LeRobotDataset.Task(index: index, text: task.1)
        }.sorted { $0.index < $1.index }
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
}
