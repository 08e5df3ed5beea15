import DataCore
import Datasets
import Formats
import Foundation
import Parquet
import Video

/// The tables of a LeRobot dataset and the places of its videos. SPEC_LEROBOT §1–3.
struct LeRobotWriter {
    let root: String
    /// Where the videos of single episodes are, of which v3.0's files are made.
    let parts: String
    let plan: ConversionPlan
    let actionConfig: ActionConfig?

    var version: DatasetInfo.Version { plan.options.format }
    var cameras: [ConvertedCamera] { plan.cameras }

    static let chunksSize = 1000
    /// Files of v3.0 take episodes until they have this many bytes.
    private static let largestVideo = 200 << 20
    /// Values of about 8 bytes that a data file of v3.0 takes.
    private static let largestTable = 2 << 20

    /// Where the video of an episode is encoded to: its place in v2.1, a part of a file in v3.0.
    func videoPart(episode: Int, camera: String) -> String {
        version == .v21
            ? "\(root)/videos/\(chunk(episode))/\(camera)/\(file(episode))"
            : "\(parts)/\(camera)/\(file(episode))"
    }

    /// Whether a camera has a video for each episode at `videoPart`.
    func isEncoded(_ camera: ConvertedCamera) -> Bool {
        camera.kept.map { version == .v21 && $0.camera.kind == .video } ?? true
    }

    /// Cameras that have videos, in order.
    var videoCameras: [ConvertedCamera] { cameras.filter(\.isVideo) }

    private func chunk(_ number: Int) -> String { "chunk-" + PathTemplate.padded(number / Self.chunksSize, 3) }
    private func file(_ episode: Int) -> String { "episode_\(PathTemplate.padded(episode, 6)).mp4" }

    // MARK: Rows

    /// An episode's columns with the five that every dataset has.
    private struct Rows {
        let columns: [ParquetColumn]
        let statistics: [(feature: String, statistics: ColumnStatistics)]
        let length: Int
    }

    private func rows(episode: Int, first: Int, taskIndex: [String: Int]) throws -> Rows {
        let source = plan.episodes[episode]
        let length = source.length
        let int64 = ParquetType.integer(bits: 64, isSigned: true)
        var tasks = [Int](repeating: taskIndex[source.tasks.first ?? ""] ?? 0, count: length)
        for span in source.taskSpans {
            for frame in span.start..<span.end { tasks[frame] = taskIndex[span.text] ?? 0 }
        }
        func integers(_ name: String, _ value: (Int) -> Int) -> ParquetColumn {
            ParquetColumn(name, int64, (0..<length).map { .int(Int64(value($0))) })
        }
        var columns: [ParquetColumn] = []
        let values = try plan.dataset.values(of: plan.columns, episode: episode, from: plan.readers)
        for (column, values) in zip(plan.columns, values) {
            columns.append(ParquetColumn(column.feature, column.type, values))
        }
        for camera in cameras where !camera.isVideo {
            let pictures = try camera.kept?.column(episode: episode) ?? []
            columns.append(ParquetColumn(camera.key, KeptPictures.columnType, pictures))
        }
        columns += [
            ParquetColumn("timestamp", .float, (0..<length).map { .float(Float(Double($0) / plan.dataset.fps)) }),
            integers("frame_index") { $0 }, integers("episode_index") { _ in episode },
            integers("index") { first + $0 }, integers("task_index") { tasks[$0] },
        ]
        return Rows(
            columns: columns,
            statistics: columns.compactMap { column in
                ColumnStatistics(column.values).map { (column.name, $0) }
            }, length: length)
    }

    /// The instructions in the order in which they first occur.
    private func tasks() -> [String] {
        var seen: Set<String> = []
        var tasks: [String] = []
        for episode in plan.episodes {
            var texts = episode.taskSpans.map(\.text)
            if texts.isEmpty { texts = [episode.tasks.first ?? ""] }
            // Behind them texts of the episode that no frame has.
            for text in texts + episode.tasks where seen.insert(text).inserted { tasks.append(text) }
        }
        return tasks
    }

    // MARK: All of it

    /// Writes everything but v2.1's videos, which are in their places.
    ///
    /// - Parameters:
    ///   - pictures: by episode and camera.
    ///   - step: called now and then; ends the work by throwing.
    func finish(pictures: [[CameraStatistics]], step: () throws -> Void) throws {
        let tasks = tasks()
        let taskIndex = Dictionary(uniqueKeysWithValues: tasks.enumerated().map { ($1, $0) })
        var statistics: [[(feature: String, statistics: ColumnStatistics, isCamera: Bool)]] = []
        var dataFiles: [Int] = []
        var pending: [Rows] = []
        var pendingValues = 0
        var first = 0
        var dataFile = 0
        func flush() throws {
            guard let head = pending.first else { return }
            let path =
                "\(root)/data/\(chunk(dataFile))/file-\(PathTemplate.padded(dataFile % Self.chunksSize, 3)).parquet"
            let columns = head.columns.indices.map { column in
                ParquetColumn(
                    head.columns[column].name, head.columns[column].type, pending.flatMap { $0.columns[column].values })
            }
            try write(columns, to: path, groups: pending.map(\.length))
            dataFile += 1
            (pending, pendingValues) = ([], 0)
        }
        for (place, episode) in plan.episodes.enumerated() {
            try step()
            let rows = try rows(episode: place, first: first, taskIndex: taskIndex)
            first += episode.length
            statistics.append(
                zip(cameras, pictures[place]).map { ($0.key, $1.statistics, true) }
                    + rows.statistics.map { ($0.feature, $0.statistics, false) })
            if version == .v21 {
                let path = "\(root)/data/\(chunk(place))/episode_\(PathTemplate.padded(place, 6)).parquet"
                try write(rows.columns, to: path, groups: nil)
            } else {
                let pictures = rows.columns.reduce(0) { $0 + KeptPictures.bytes(in: $1.values) }
                let values = episode.length * plan.columns.reduce(5) { $0 + $1.shape.reduce(1, *) } + pictures / 8
                if pendingValues + values > Self.largestTable { try flush() }
                pending.append(rows)
                pendingValues += values
                dataFiles.append(dataFile)
            }
        }
        try flush()
        try writeInfo(tasks: tasks.count, pictures: pictures)
        if version == .v21 {
            try writeMetadataV21(tasks: tasks, statistics: statistics)
        } else {
            let videos = try videoCameras.map { camera in
                try camera.kept.map { try copyVideos($0, as: camera.key, step: step) }
                    ?? join(camera.key, step: step)
            }
            try writeMetadataV30(tasks: tasks, statistics: statistics, dataFiles: dataFiles, videos: videos)
        }
    }

    private func write(_ columns: [ParquetColumn], to path: String, groups: [Int]?) throws {
        try Folder.create(for: path)
        try ParquetFile.write(
            columns, to: path, groups: groups, keyValueMetadata: [("huggingface", huggingface.text())])
    }

    // MARK: Videos of v3.0

    /// Copies the files of a camera whose videos stay as they are.
    private func copyVideos(_ kept: KeptPictures, as camera: String, step: () throws -> Void) throws -> [VideoPlace] {
        var numbers: [String: Int] = [:]
        return try plan.episodes.indices.map { episode in
            try step()
            let place = try kept.place(episode: episode)
            let file = numbers[place.path] ?? numbers.count
            if numbers.updateValue(file, forKey: place.path) == nil {
                let path =
                    "\(root)/videos/\(camera)/\(chunk(file))/file-\(PathTemplate.padded(file % Self.chunksSize, 3)).mp4"
                try Folder.create(for: path)
                try kept.copy(place.path, to: path)
            }
            return VideoPlace(file: file, framesBefore: place.base)
        }
    }

    struct VideoPlace {
        let file: Int
        /// Frames of earlier episodes in the same file.
        let framesBefore: Int
    }

    /// Puts the episodes' videos together.
    private func join(_ camera: String, step: () throws -> Void) throws -> [VideoPlace] {
        var places: [VideoPlace] = []
        var joiner: VideoJoiner?
        var file = -1
        for (place, episode) in plan.episodes.enumerated() {
            try step()
            let part = videoPart(episode: place, camera: camera)
            var current = joiner
            if let full = current, full.bytes >= Self.largestVideo {
                try full.finish()
                current = nil
            }
            if let open = current, try !open.append(part, count: episode.length) {
                try open.finish()
                current = nil
            }
            if current == nil {
                file += 1
                let path =
                    "\(root)/videos/\(camera)/\(chunk(file))/file-\(PathTemplate.padded(file % Self.chunksSize, 3)).mp4"
                try Folder.create(for: path)
                let new = try VideoJoiner(path: path, fps: plan.dataset.fps)
                guard try new.append(part, count: episode.length) else {
                    throw ConversionError.video(path: part, reason: "cannot begin a file with it")
                }
                current = new
            }
            joiner = current
            places.append(VideoPlace(file: file, framesBefore: (current?.frames ?? 0) - episode.length))
        }
        try joiner?.finish()
        return places
    }

    // MARK: Description

    /// Columns in their order.
    private var storedColumns: [StoredColumn] {
        plan.columns + [StoredColumn(feature: "timestamp", dtype: "float32", shape: [1])].compactMap { $0 }
            + ["frame_index", "episode_index", "index", "task_index"].compactMap {
                StoredColumn(feature: $0, dtype: "int64", shape: [1])
            }
    }

    /// What Hugging Face's `datasets` keeps in the metadata of a Parquet file.
    ///
    /// Nested columns are left out: their types follow from the file's own schema.
    private var huggingface: JSON {
        let pictures = cameras.filter { !$0.isVideo }.map { ($0.key, JSON.object([("_type", .string("Image"))])) }
        let columns = storedColumns.filter { !$0.isNested }.map { ($0.feature, $0.huggingFace) }
        return .object([("info", .object([("features", .object(pictures + columns))]))])
    }

    private func writeInfo(tasks: Int, pictures: [[CameraStatistics]]) throws {
        let episodes = plan.episodes.count
        // A whole number stays one: LeRobot expects an integer.
        let fps: JSON = Int(exactly: plan.dataset.fps).map { .int($0) } ?? .double(plan.dataset.fps)
        var features: [(String, JSON)] = cameras.enumerated().map { place, camera in
            if let kept = camera.kept { return (camera.key, kept.description) }
            let description = plan.extras.descriptions[camera.source.key]
            let isTaken = pictures.allSatisfy { $0[place].encodedBecause.isEmpty }
            if isTaken, let description, description["info"] != nil { return (camera.key, description) }
            let known = pictures.first?[place]
            let isChannelLast = description?["shape"]?.array?.last?.int == 3
            let names =
                description?["names"].flatMap { isChannelLast ? $0 : nil }
                ?? .array([.string("height"), .string("width"), .string("channels")])
            let (width, height) = (known?.width ?? 0, known?.height ?? 0)
            return (
                camera.key,
                .object([
                    ("dtype", .string("video")), ("shape", .array([.int(height), .int(width), .int(3)])),
                    ("names", names),
                    (
                        "info",
                        .object([
                            ("video.height", .int(height)), ("video.width", .int(width)),
                            ("video.codec", .string(known?.codec ?? "")), ("video.pix_fmt", .string("yuv420p")),
                            ("video.is_depth_map", .bool(false)), ("video.fps", fps), ("video.channels", .int(3)),
                            ("has_audio", .bool(false)),
                        ])
                    ),
                ])
            )
        }
        features += storedColumns.map { ($0.feature, $0.description) }
        var info: [(String, JSON)] = [
            ("codebase_version", .string(version.rawValue)),
            ("robot_type", plan.extras.robotType.map { .string($0) } ?? .null),
            ("total_episodes", .int(episodes)), ("total_frames", .int(plan.episodes.reduce(0) { $0 + $1.length })),
            ("total_tasks", .int(tasks)),
        ]
        let videoPath: String
        if version == .v21 {
            info += [
                ("total_videos", .int(episodes * videoCameras.count)),
                ("total_chunks", .int((episodes + Self.chunksSize - 1) / Self.chunksSize)),
                ("chunks_size", .int(Self.chunksSize)),
            ]
            videoPath = "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4"
        } else {
            info += [
                ("chunks_size", .int(Self.chunksSize)), ("data_files_size_in_mb", .int(100)),
                ("video_files_size_in_mb", .int(200)),
            ]
            videoPath = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
        }
        info += [
            ("fps", fps), ("splits", .object([("train", .string("0:\(episodes)"))])),
            (
                "data_path",
                .string(
                    version == .v21
                        ? "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet"
                        : "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet")
            ),
            ("video_path", videoCameras.isEmpty ? .null : .string(videoPath)), ("features", .object(features)),
        ]
        info += plan.extras.info.filter { extra in !info.contains { $0.0 == extra.key } }.map { ($0.key, $0.value) }
        try writeText(JSON.object(info).text(indent: 4), to: "info.json")
        for file in plan.extras.files {
            let target = "\(root)/meta/\(file.name)"
            try Folder.create(for: target)
            let data = try Data(contentsOf: URL(fileURLWithPath: file.path))
            try AtomicFile.write(Array(data), to: target)
        }
    }

    func writeText(_ text: String, to file: String) throws {
        let path = "\(root)/meta/\(file)"
        try Folder.create(for: path)
        try AtomicFile.write(Array(text.utf8), to: path)
    }
}
