import DataCore
import Foundation

/// Tasks and episodes of a dataset as its version stores them.
struct LeRobotMetadata {
    let episodes: [Episode]
    let tasks: [LeRobotDataset.Task]
    /// Names of the files they come from, for messages.
    let episodesSource: String
    let tasksSource: String
    /// Episodes of no frames, which are left out.
    var emptyEpisodes: [Int] = []
    /// Cameras that the table of episodes does not describe, with the column that is missing.
    var undescribed: [String: DataError] = [:]
    /// Per video camera, the first episodes whose frames are claimed twice.
    var overlaps: [String: VideoOverlap] = [:]

    var notes: [String] {
        guard let first = emptyEpisodes.first else { return [] }
        return ["\(emptyEpisodes.count) episodes (first: \(first)) have no frames; they are left out"]
    }

    func cameraFaults(dataset: String) -> [String: DataError] {
        undescribed.merging(
            overlaps.map { camera, overlap in
                (
                    camera,
                    .overlappingEpisodes(
                        dataset: dataset, camera: camera, first: overlap.first, second: overlap.second,
                        frames: overlap.frames)
                )
            }, uniquingKeysWith: { first, _ in first })
    }

    /// v2.0 and v2.1: JSON lines, one data file and one video per episode and camera. SPEC_LEROBOT §2.
    static func readV2(root: String, info: DatasetInfo) throws -> LeRobotMetadata {
        let tasks = try readTasks(root: root, info: info)
        let file = try MetadataFile(path: "\(root)/meta/episodes.jsonl", purpose: "the dataset's episodes")
        let limit = 0...DatasetInfo.countLimit
        var rows = try file.lines().map { line, json in
            (
                line: line,
                index: try file.integer(json["episode_index"], "episode_index", in: limit, line: line),
                length: try file.integer(json["length"], "length", in: limit, line: line),
                tasks: try file.instructions(json["tasks"], "tasks", line: line)
            )
        }
        rows.sort { ($0.index, $0.line) < ($1.index, $1.line) }
        let videoCount = info.cameras.count { $0.kind == .video }
        var texts = SharedTexts()
        var start = 0
        let episodes = try rows.enumerated().compactMap { position, row -> Episode? in
            if position > 0, rows[position - 1].index == row.index {
                throw DataError.invalidField(
                    path: file.path, line: row.line, field: "episode_index", expected: "each episode once",
                    got: "\(row.index) again")
            }
            let end = start + row.length
            guard end <= DatasetInfo.countLimit else {
                throw file.invalid(
                    "length", "at most \(DatasetInfo.countLimit) frames in all", .int(end), line: row.line)
            }
            defer { start = end }
            guard row.length > 0 else { return nil }
            let number = FileNumber(chunk: row.index / info.chunksSize, file: row.index)
            return Episode(
                episodeIndex: row.index, length: row.length, tasks: texts.shared(row.tasks),
                rows: EpisodeRows(file: number, rows: 0..<row.length), globalFrames: start..<end,
                videos: Array(
                    repeating: VideoLocation(
                        file: number, fromTimestamp: 0, framesBefore: 0, framesInFile: row.length, followsLengths: true),
                    count: videoCount))
        }
        return LeRobotMetadata(
            episodes: episodes, tasks: tasks.sorted { $0.index < $1.index }, episodesSource: "meta/episodes.jsonl",
            tasksSource: "meta/tasks.jsonl", emptyEpisodes: rows.filter { $0.length == 0 }.map(\.index))
    }
}

extension LeRobotMetadata {
    /// `meta/tasks.jsonl`; nothing where there is none and `total_tasks` says so.
    static func readTasks(root: String, info: DatasetInfo) throws -> [LeRobotDataset.Task] {
        let path = "\(root)/meta/tasks.jsonl"
        if info.totalTasks == 0, !FileManager.default.fileExists(atPath: path) { return [] }
        let file = try MetadataFile(path: path, purpose: "the dataset's tasks")
        return try file.lines().map { line, json in
            guard let text = json["task"]?.string else {
                throw file.invalid("task", "a string", json["task"], line: line)
            }
            let index = try file.integer(json["task_index"], "task_index", in: 0...DatasetInfo.countLimit, line: line)
            return LeRobotDataset.Task(index: index, text: text)
        }
    }
}

/// Lists of instructions, of which a dataset has few and a million episodes refer to.
struct SharedTexts {
    private var known: Set<[String]> = []

    /// The same list, in memory that all equal ones share.
    mutating func shared(_ texts: [String]) -> [String] { known.insert(texts).memberAfterInsert }
}
