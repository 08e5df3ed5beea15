import DataCore
import Datasets
import Formats
import Parquet

extension LeRobotWriter {
    typealias EpisodeStatistics = [(feature: String, statistics: ColumnStatistics, isCamera: Bool)]

    /// JSON lines. SPEC_LEROBOT §2.
    func writeMetadataV21(tasks: [String], statistics: [EpisodeStatistics]) throws {
        var episodes = ""
        var stats = ""
        for (place, episode) in plan.episodes.enumerated() {
            var line: [(String, JSON)] = [
                ("episode_index", .int(place)), ("tasks", .array(episode.tasks.map { .string($0) })),
                ("length", .int(episode.length)),
            ]
            // In every line where it is in one: LeRobot's converter to v3.0 makes columns of the members.
            if let actionConfig { line.append(("action_config", actionConfig.json(episode.index))) }
            episodes += JSON.object(line).text() + "\n"
            let features = statistics[place].map { ($0.feature, $0.statistics.json(isCamera: $0.isCamera)) }
            stats += JSON.object([("episode_index", .int(place)), ("stats", .object(features))]).text() + "\n"
        }
        try writeText(episodes, to: "episodes.jsonl")
        try writeText(stats, to: "episodes_stats.jsonl")
        let lines = tasks.enumerated().map {
            JSON.object([("task_index", .int($0.offset)), ("task", .string($0.element))]).text() + "\n"
        }
        try writeText(lines.joined(), to: "tasks.jsonl")
    }

    /// Parquet tables. SPEC_LEROBOT §3.
    func writeMetadataV30(
        tasks: [String], statistics: [EpisodeStatistics], dataFiles: [Int], videos: [[VideoPlace]]
    ) throws {
        try writeTasks(tasks)
        try writeAllStatistics(statistics)

        let int64 = ParquetType.integer(bits: 64, isSigned: true)
        let all = plan.episodes
        func integers(_ name: String, _ value: (Int) -> Int) -> ParquetColumn {
            ParquetColumn(name, int64, all.indices.map { .int(Int64(value($0))) })
        }
        var starts: [Int] = []
        var next = 0
        for episode in all {
            starts.append(next)
            next += episode.length
        }
        var columns = [
            integers("episode_index") { $0 },
            ParquetColumn("tasks", .list(.string), all.map { .list($0.tasks.map { .string($0) }) }),
            integers("length") { all[$0].length },
            integers("data/chunk_index") { dataFiles[$0] / Self.chunksSize },
            integers("data/file_index") { dataFiles[$0] % Self.chunksSize },
            integers("dataset_from_index") { starts[$0] },
            integers("dataset_to_index") { starts[$0] + all[$0].length },
        ]
        for (camera, places) in zip(videoCameras, videos) {
            let name = "videos/\(camera.key)"
            func seconds(_ name: String, _ frame: (Int) -> Int) -> ParquetColumn {
                ParquetColumn(name, .double, all.indices.map { .double(Double(frame($0)) / plan.dataset.fps) })
            }
            columns += [
                integers("\(name)/chunk_index") { places[$0].file / Self.chunksSize },
                integers("\(name)/file_index") { places[$0].file % Self.chunksSize },
                seconds("\(name)/from_timestamp") { places[$0].framesBefore },
                seconds("\(name)/to_timestamp") { places[$0].framesBefore + all[$0].length },
            ]
        }
        columns += statisticsColumns(statistics)
        columns += [integers("meta/episodes/chunk_index") { _ in 0 }, integers("meta/episodes/file_index") { _ in 0 }]
        if let actionConfig {
            columns.append(
                ParquetColumn(
                    "action_config", ActionConfig.parquetType,
                    all.map { actionConfig.segments[$0.index] == nil ? .null : actionConfig.value($0.index) }))
        }
        let path = "\(root)/meta/episodes/chunk-000/file-000.parquet"
        try Folder.create(for: path)
        try ParquetFile.write(columns, to: path)
    }

    /// `stats/<feature>/<name>`, null where an episode has none of a feature.
    private func statisticsColumns(_ statistics: [EpisodeStatistics]) -> [ParquetColumn] {
        var columns: [ParquetColumn] = []
        var features: [(name: String, isCamera: Bool)] = []
        for entry in statistics.joined() where !features.contains(where: { $0.name == entry.feature }) {
            features.append((entry.feature, entry.isCamera))
        }
        for (feature, isCamera) in features {
            let own = statistics.map { $0.first { $0.feature == feature }?.statistics }
            let type: ParquetType = isCamera ? .list(.list(.list(.double))) : .list(.double)
            let names = own.compactMap { $0 }.first?.entries.map(\.name) ?? []
            for (place, name) in names.enumerated() {
                let values = own.map { statistics -> ParquetValue in
                    guard let numbers = statistics?.entries[place].values else { return .null }
                    return .list(numbers.map { isCamera ? .list([.list([.double($0)])]) : .double($0) })
                }
                columns.append(ParquetColumn("stats/\(feature)/\(name)", type, values))
            }
            columns.append(
                ParquetColumn(
                    "stats/\(feature)/count", .list(.integer(bits: 64, isSigned: true)),
                    own.map { $0.map { .list([.int(Int64($0.count))]) } ?? .null }))
        }
        return columns
    }

    /// Statistics over all episodes.
    private func writeAllStatistics(_ statistics: [EpisodeStatistics]) throws {
        var order: [(name: String, isCamera: Bool)] = []
        var parts: [String: [ColumnStatistics]] = [:]
        for entry in statistics.joined() {
            if parts[entry.feature] == nil { order.append((entry.feature, entry.isCamera)) }
            parts[entry.feature, default: []].append(entry.statistics)
        }
        let json = JSON.object(
            order.map { feature in
                (
                    feature.name,
                    ColumnStatistics(merging: parts[feature.name] ?? []).json(isCamera: feature.isCamera)
                )
            })
        try writeText(json.text(indent: 4), to: "stats.json")
    }

    /// A pandas table whose index holds the texts.
    private func writeTasks(_ tasks: [String]) throws {
        let path = "\(root)/meta/tasks.parquet"
        func column(_ name: JSON, _ field: String, _ type: String, _ numpy: String) -> JSON {
            .object([
                ("name", name), ("field_name", .string(field)), ("pandas_type", .string(type)),
                ("numpy_type", .string(numpy)), ("metadata", .null),
            ])
        }
        let pandas = JSON.object([
            ("index_columns", .array([.string("__index_level_0__")])),
            ("column_indexes", .array([])),
            (
                "columns",
                .array([
                    column(.string("task_index"), "task_index", "int64", "int64"),
                    column(.null, "__index_level_0__", "unicode", "object"),
                ])
            ),
            ("pandas_version", .string("2.2.0")),
        ])
        try Folder.create(for: path)
        try ParquetFile.write(
            [
                ParquetColumn(
                    "task_index", .integer(bits: 64, isSigned: true), tasks.indices.map { .int(Int64($0)) }),
                ParquetColumn("__index_level_0__", .string, tasks.map { .string($0) }),
            ], to: path, keyValueMetadata: [("pandas", pandas.text())])
    }
}
