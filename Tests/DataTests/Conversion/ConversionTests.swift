import Formats
import Foundation
import Conversion
import LAMData
import Parquet
import TestSupport
import Testing

/// A converted sample in a folder of its own.
private struct Converted {
    let folder: TemporaryFolder
    let source: HDF5Dataset
    let dataset: LeRobotDataset

    init(
        _ name: String, format: DatasetInfo.Version, codec: VideoCodec = .h264,
        edit: (inout ConversionOptions) -> Void = { _ in }
    ) throws {
        folder = try TemporaryFolder()
        source = try HDF5Dataset(path: Goldens.url("hdf5/\(name).hdf5").path, name: name)
        var options = ConversionOptions()
        options.format = format
        options.codec = codec
        edit(&options)
        _ = try DatasetConversion(source, to: folder.path("out"), options).run()
        dataset = try LeRobotDataset(root: folder.path("out"), name: name)
    }
}

/// Level of noise between pictures in dB.
private func psnr(_ a: [RGBImage], _ b: [RGBImage]) -> Double {
    var sum = 0.0
    var count = 0.0
    for (a, b) in zip(a, b) {
        for (x, y) in zip(a.pixels, b.pixels) { sum += Double((Int(x) - Int(y)) * (Int(x) - Int(y))) }
        count += Double(a.pixels.count)
    }
    return 10 * log10(255 * 255 / (sum / count))
}

@Suite("Conversion to LeRobot")
struct ConversionTests {
    /// Halved chroma alone leaves 34.5 dB of these pictures of few, saturated colours; JPEG-like codecs a little less.
    static let leastPSNR = 31.0

    @Test(
        "keeps frames, episodes and tasks",
        arguments: [
            ("libero_like_demo", DatasetInfo.Version.v21, VideoCodec.h264), ("libero_like_demo", .v30, .h264),
            ("libero_like_demo", .v21, .av1), ("libero_like_demo", .v30, .av1), ("robomimic_like", .v30, .h264),
            ("aloha_raw_episode_0", .v21, .h264), ("aloha_jpeg_padded_episode_0", .v30, .av1),
            ("aloha_jpeg_vlen_episode_0", .v21, .h264),
        ])
    func frames(_ name: String, _ format: DatasetInfo.Version, _ codec: VideoCodec) throws {
        let converted = try Converted(name, format: format, codec: codec)
        let (source, dataset) = (converted.source, converted.dataset)
        #expect(dataset.info.codebaseVersion == format && dataset.fps == source.fps)
        #expect(dataset.episodes.map(\.length) == source.episodes.map(\.length))
        #expect(dataset.tasks.map(\.text) == source.tasks && dataset.cameras.map(\.key) == source.cameras.map(\.key))
        try dataset.verifyRows()
        for (own, other) in zip(source.cameras, dataset.cameras) {
            let before = try HDF5FrameReader(dataset: source, camera: own)
            let after = try FrameReader(dataset: dataset, camera: other)
            for (place, episode) in source.episodes.enumerated() {
                let numbers = Array(0..<episode.length)
                let level = psnr(
                    try before.frames(episode: place, frames: numbers),
                    try after.frames(episode: place, frames: numbers))
                #expect(level > Self.leastPSNR, "\(own.key), episode \(place): \(level) dB")
            }
            let path = try dataset.videoFile(of: dataset.episodes[0], camera: other)
            let index = try VideoIndex(path: path)
            #expect(index.codec == codec.rawValue && (index.longestGroup ?? 9) <= 2)
        }
    }

    /// SHA-256 of a column's values as little-endian doubles, singles or integers.
    private func digest(_ values: [ParquetValue]) -> String {
        var bytes: [UInt8] = []
        func add(_ value: ParquetValue) {
            switch value {
            case .list(let list): list.forEach(add)
            case .double(let value): withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
            case .float(let value): withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
            default: Issue.record("unexpected \(value)")
            }
        }
        values.forEach(add)
        return SHA256.hexadecimal(of: bytes)
    }

    @Test("keeps actions and states bit for bit", arguments: [DatasetInfo.Version.v21, .v30])
    func values(_ format: DatasetInfo.Version) throws {
        struct Array: Decodable { let sha256: String? }
        struct File: Decodable { let datasets: [String: Array] }
        let oracle = try JSONDecoder().decode(
            [String: File].self, from: Data(contentsOf: Goldens.url("hdf5/hdf5.json")))
        func compare(_ name: String, _ columns: [String: String]) throws {
            let converted = try Converted(name, format: format)
            let dataset = converted.dataset
            for (place, episode) in dataset.episodes.enumerated() {
                let table = try ParquetFile(path: dataset.dataFile(of: episode))
                for (feature, object) in columns {
                    let own = digest(try table.values(feature, rows: episode.rows.first.rows))
                    let path = converted.source.episodes[place].group + object
                    #expect(own == oracle["\(name).hdf5"]?.datasets[path]?.sha256, "\(path)")
                }
            }
        }
        try compare(
            "libero_like_demo",
            [
                "action": "/actions", "observation.state": "/robot_states", "observation.ee_pos": "/obs/ee_pos",
                "observation.environment_state": "/states",
            ])
        try compare(
            "aloha_jpeg_vlen_episode_0",
            [
                "action": "/action", "observation.state": "/observations/qpos",
                "observation.velocity": "/observations/qvel",
            ]
        )
    }

    @Test("keeps every type of number, and says what it leaves out")
    func types() throws {
        let converted = try Converted("types", format: .v30)
        let dataset = converted.dataset
        let dtypes = Dictionary(uniqueKeysWithValues: dataset.info.features.map { ($0.name, $0.dtype) })
        let expected = [
            "next.done": "bool", "next.reward": "float32", "half": "float32", "int8": "int8", "uint64": "uint64",
            "matrix": "float32", "action": "float64",
        ]
        for (name, dtype) in expected { #expect(dtypes[name] == dtype, "\(name)") }
        let table = try ParquetFile(path: dataset.dataFile(of: dataset.episodes[0]))
        #expect(try table.values("next.done") == [.bool(false), .bool(true), .bool(false), .bool(true), .bool(true)])
        #expect(try table.doubles("next.reward") == [0, 1, 2, 3, 4] && table.doubles("half") == [0, 0.5, 1, 1.5, 2])
        #expect(try table.int64s("int8") == [-2, -1, 0, 1, 2])
        #expect(try table.values("uint64")[0] == .unsigned(.max))
        #expect(
            try table.values("matrix")[1]
                == .list([.list([.float(6), .float(7), .float(8)]), .list([.float(9), .float(10), .float(11)])]))
        #expect(converted.source.leftOut.count == 2)
    }

    @Test("renames, chooses and refuses cameras")
    func cameras() throws {
        let converted = try Converted("libero_like_demo", format: .v21) {
            $0.cameras = [(from: "agentview_rgb", to: "image")]
        }
        #expect(converted.dataset.cameras.map(\.key) == ["observation.images.image"])
        for (from, to) in [("top", nil), ("agentview_rgb", "a/../b"), ("agentview_rgb", "eye_in_hand_rgb")] {
            #expect(throws: (any Error).self) {
                try Converted("libero_like_demo", format: .v21) {
                    $0.cameras = [(from: from, to: to), (from: "eye_in_hand_rgb", to: nil)]
                }
            }
        }
    }

    @Test("goes on after an interruption, and takes nobody else's work")
    func resume() throws {
        let folder = try TemporaryFolder()
        let source = try HDF5Dataset(path: Goldens.url("hdf5/libero_like_demo.hdf5").path, name: "libero")
        var options = ConversionOptions()
        options.actionConfig = .whole
        #expect(throws: CancellationError.self) {
            try DatasetConversion(source, to: folder.path("out"), options).run(isCancelled: cancelling(after: 6))
        }
        #expect(try folder.names() == ["out.partial"])
        options.codec = .av1
        #expect(throws: ConversionError.self) {
            try DatasetConversion(source, to: folder.path("out"), options).run()
        }
        options.codec = .h264
        let summary = try DatasetConversion(source, to: folder.path("out"), options).run()
        #expect(summary.resumed == 1 && summary.episodes == 3)
        _ = try DatasetConversion(source, to: folder.path("once"), options).run()
        #expect(try folder.names() == ["once", "out"])
        for file in [
            "meta/info.json", "meta/episodes.jsonl", "meta/episodes_stats.jsonl",
            "data/chunk-000/episode_000001.parquet",
        ] {
            #expect(
                try Data(contentsOf: folder.url("out/\(file)")) == Data(contentsOf: folder.url("once/\(file)")),
                "\(file)")
        }
        // An encoder with several threads need not write the same bytes twice.
        let (resumed, once) = (
            try LeRobotDataset(root: folder.path("out"), name: "out"),
            try LeRobotDataset(root: folder.path("once"), name: "once")
        )
        for camera in source.cameras {
            let reader = try HDF5FrameReader(dataset: source, camera: camera)
            for (place, episode) in source.episodes.enumerated() {
                let numbers = Array(0..<episode.length)
                let original = try reader.frames(episode: place, frames: numbers)
                for dataset in [resumed, once] {
                    let camera = try dataset.camera(preferred: camera.key)
                    let frames = try FrameReader(dataset: dataset, camera: camera).frames(
                        episode: place, frames: numbers)
                    #expect(psnr(original, frames) > Self.leastPSNR, "\(camera.key), episode \(place)")
                }
            }
        }
        #expect(throws: ConversionError.exists(path: folder.path("out"))) {
            try DatasetConversion(source, to: folder.path("out"), options).run()
        }
    }

    @Test(
        "turns one version of LeRobot into the other",
        arguments: ["push_default_v30", "toto_push_lf_v21", "droid_push_hf_v21", "ego4d_push_v30"])
    func versions(_ name: String) throws {
        let folder = try TemporaryFolder()
        let source = try SampleDatasets.open(name)
        var options = ConversionOptions()
        options.format = source.info.codebaseVersion == .v30 ? .v21 : .v30
        let summary = try DatasetConversion(source, to: folder.path("out"), options).run()
        let dataset = try LeRobotDataset(root: folder.path("out"), name: name)
        #expect(dataset.episodes.map(\.length) == source.episodes.map(\.length))
        #expect(dataset.episodes.map(\.tasks) == source.episodes.map(\.tasks))
        try dataset.verifyRows()
        for (before, after) in zip(source.episodes, dataset.episodes) {
            let (old, new) = (
                try ParquetFile(path: source.dataFile(of: before)), try ParquetFile(path: dataset.dataFile(of: after))
            )
            #expect(
                try old.values("action", rows: before.rows.first.rows)
                    == new.values("action", rows: after.rows.first.rows))
        }
        let camera = source.cameras[0]
        let last = source.episodes.count - 1
        let numbers = Array(0..<source.episodes[last].length)
        let level = psnr(
            try FrameReader(dataset: source, camera: camera).frames(episode: last, frames: numbers),
            try FrameReader(dataset: dataset, camera: camera).frames(episode: last, frames: numbers))
        // Videos are taken as they are, those with B-frames too.
        #expect(level == .infinity && summary.encoded.isEmpty, "\(level) dB, \(summary.encoded)")
    }

    @Test("what it encodes anew it says with the reason")
    func reasons() throws {
        let folder = try TemporaryFolder()
        let source = try SampleDatasets.open("toto_push_lf_v21")
        var options = ConversionOptions()
        options.recodes = true
        let summary = try DatasetConversion(source, to: folder.path("out"), options).run()
        let camera = source.cameras[0].key
        let told = summary.encoded.map { "\($0.camera) \($0.episodes) \($0.reason)" }
        #expect(told == ["\(camera) \(source.episodes.count) --recode"])
    }

    @Test("there and back again every feature has its entry, with nested names, and every picture its numbers")
    func thereAndBack() throws {
        let folder = try TemporaryFolder()
        let root = folder.path("source")
        try FileManager.default.copyItem(atPath: Goldens.url("datasets/toto_push_lf_v21").path, toPath: root)
        let info = URL(fileURLWithPath: root + "/meta/info.json")
        var object = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: info)) as? [String: Any])
        var features = try #require(object["features"] as? [String: [String: Any]])
        let width = try #require((features["action"]?["shape"] as? [Int])?.first)
        features["action"]?["names"] = [(0..<width).map { "joint \($0)" }]
        object["features"] = features
        try JSONSerialization.data(withJSONObject: object).write(to: info)
        let source = try LeRobotDataset(root: root, name: "source")
        var options = ConversionOptions()
        options.format = .v30
        _ = try DatasetConversion(source, to: folder.path("there"), options).run()
        options.format = .v21
        let there = try LeRobotDataset(root: folder.path("there"), name: "there")
        _ = try DatasetConversion(there, to: folder.path("back"), options).run()
        let back = try LeRobotDataset(root: folder.path("back"), name: "back")
        for name in ["there", "back"] {
            let written = try JSONSerialization.jsonObject(with: Data(contentsOf: folder.url("\(name)/meta/info.json")))
            let own = try #require((written as? [String: Any])?["features"] as? [String: NSDictionary])
            for (feature, entry) in features { #expect(own[feature] == entry as NSDictionary, "\(name): \(feature)") }
        }
        for episode in source.episodes.indices {
            let numbers = Array(0..<source.episodes[episode].length)
            let frames = try [source, back].map {
                try FrameReader(dataset: $0, camera: source.cameras[0]).frames(episode: episode, frames: numbers)
            }
            #expect(frames[0].map(\.pixels) == frames[1].map(\.pixels), "episode \(episode)")
        }
    }

    @Test("ends at pictures whose size 4:2:0 has no form for")
    func oddSize() throws {
        let source = try HDF5Dataset(path: Goldens.url("hdf5/odd_size.hdf5").path, name: "odd")
        let folder = try TemporaryFolder()
        #expect(throws: ConversionError.self) {
            try DatasetConversion(source, to: folder.path("out"), ConversionOptions()).run()
        }
        #expect(!FileManager.default.fileExists(atPath: folder.path("out")))
    }
}

@Suite("action_config")
struct ActionConfigTests {
    @Test("is checked, added from tasks, and taken from a file")
    func file() throws {
        let copy = try DatasetCopy(of: "toto_push_lf_v21")
        func file() throws -> ActionConfigFile {
            try ActionConfigFile(LeRobotDataset(root: copy.root, name: "x", checkDataFiles: false))
        }
        func counts(_ summary: ActionConfigFile.Summary) -> [Int] {
            [summary.episodes, summary.withSegments, summary.segments]
        }
        #expect(try counts(file().check()) == [6, 0, 0])
        #expect(try counts(file().write(.whole)) == [6, 6, 6])
        #expect(try file().check().segments == 6)
        let folder = try TemporaryFolder()
        func segments(_ text: String) throws -> ActionConfig.Source { .file(try folder.write(text, to: "s.jsonl")) }
        let two = """
            {"episode_index": 1, "action_config": [{"start_frame": 0, "end_frame": 4, "action_text": "reach"}, \
            {"start_frame": 4, "end_frame": 9, "action_text": "push"}]}
            """
        #expect(try counts(file().write(segments(two))) == [6, 1, 2])
        #expect(try file().check().segments == 7)
        let bad = [
            #"{"episode_index": 99, "action_config": []}"#,
            #"{"episode_index": 0, "action_config": [{"start_frame": 0, "end_frame": 9999, "action_text": "a"}]}"#,
            #"{"episode_index": 0, "action_config": [{"start_frame": 5, "end_frame": 5, "action_text": "a"}]}"#,
            #"{"episode_index": 0, "action_config": [{"start_frame": 0, "end_frame": 5}]}"#,
            #"{"episode_index": 0}"#, #"{"episode_index": 0, "#,
        ]
        for text in bad { #expect(throws: (any Error).self, "\(text)") { try file().write(segments(text)) } }
        #expect(try file().check().segments == 7)
    }
}
