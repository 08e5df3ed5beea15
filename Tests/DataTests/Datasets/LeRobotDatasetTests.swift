import Foundation
import LAMData
import TestSupport
import Testing

@Suite struct LeRobotDatasetTests {
    @Test("every sample dataset opens, and its rows agree with its metadata", arguments: SampleDatasets.names)
    func opens(name: String) throws {
        let dataset = try SampleDatasets.open(name)
        #expect(dataset.totalFrames == dataset.info.totalFrames)
        #expect(dataset.episodes.allSatisfy { !$0.tasks.isEmpty })
        #expect(dataset.episodes.map(\.globalFrames.lowerBound).first == 0)
        for (episode, next) in zip(dataset.episodes, dataset.episodes.dropFirst()) {
            #expect(episode.globalFrames.upperBound == next.globalFrames.lowerBound)
        }
        try dataset.verifyRows()
        for camera in dataset.cameras { _ = try dataset.videoNotes(camera: camera) }
    }

    @Test("a v3.0 set tells version, rate, features in order, and files that roll over per camera")
    func version3() throws {
        let dataset = try SampleDatasets.open("push_default_v30")
        #expect(dataset.info.codebaseVersion == .v30)
        #expect(dataset.fps == 10)
        #expect(dataset.info.robotType == "sim_pusher")
        #expect(
            dataset.info.features.map(\.name).prefix(4) == [
                "observation.images.top", "observation.images.wrist", "observation.state", "action",
            ])
        #expect(dataset.info.feature("action")?.shape == [2])
        #expect(dataset.info.feature("action")?.names == ["a0", "a1"])
        #expect(dataset.episodes.count == 12)
        #expect(dataset.tasks.map(\.index) == Array(0..<10))
        let top = try #require(dataset.cameras.first)
        let wrist = try #require(dataset.cameras.last)
        let firsts = { (camera: Camera) in
            dataset.episodes.indices.filter { position in
                position == 0
                    || dataset.video(of: dataset.episodes[position], camera: camera)?.file
                        != dataset.video(of: dataset.episodes[position - 1], camera: camera)?.file
            }
        }
        #expect(firsts(top) == [0, 7])
        #expect(firsts(wrist) == [0, 4, 9])
        #expect(
            try dataset.videoFile(of: dataset.episodes[9], camera: wrist)
                .hasSuffix("videos/observation.images.wrist/chunk-001/file-000.mp4"))
    }

    @Test("a v2.1 set has one file per episode")
    func version21() throws {
        let dataset = try SampleDatasets.open("droid_push_hf_v21")
        #expect(dataset.info.codebaseVersion == .v21)
        #expect(dataset.episodes.count == 5)
        let camera = try dataset.camera()
        #expect(camera == Camera(key: "observation.images.exterior_1_left", kind: .video))
        let file = try dataset.videoFile(of: dataset.episodes[3], camera: camera)
        #expect(file.hasSuffix("videos/chunk-000/observation.images.exterior_1_left/episode_000003.mp4"))
        #expect(dataset.episodes[3].rows.first.rows == 0..<dataset.episodes[3].length)
    }

    @Test("the camera is the named one, else the rule's for droid, else the only one, else a question")
    func cameraChoice() throws {
        let two = try SampleDatasets.open("push_default_v30")
        #expect(try two.camera(preferred: "observation.images.wrist").key == "observation.images.wrist")
        #expect(
            throws: DataError.ambiguousCamera(
                dataset: two.name, cameras: ["observation.images.top", "observation.images.wrist"])
        ) { try two.camera() }
        #expect(
            throws: DataError.unknownCamera(
                dataset: two.name, camera: "front", cameras: ["observation.images.top", "observation.images.wrist"])
        ) { try two.camera(preferred: "front") }
        #expect(try SampleDatasets.open("ego4d_push_v30").camera().key == "observation.image")
        let droid = try LeRobotDataset(root: SampleDatasets.root("droid_push_hf_v21"), name: "somebody/DROID_v2")
        #expect(try droid.camera().key == "observation.images.exterior_1_left")
        let images = try SampleDatasets.open("toto_push_images_v30")
        #expect(try images.camera() == Camera(key: "observation.image", kind: .image))
    }

    @Test(
        "numbers and text of metadata are checked with field, file and line",
        arguments: [
            ("meta/info.json", "\"fps\": 5", "\"fps\": -5", "fps: expected a number > 0, got -5"),
            ("meta/info.json", "\"fps\": 5", "\"fps\": NaN", "fps: expected a number > 0"),
            ("meta/info.json", "data/chunk-{", "/data/chunk-{", "escapes the dataset root"),
            ("meta/info.json", "data/chunk-{", "data/../../chunk-{", "escapes the dataset root"),
            (
                "meta/info.json", "{episode_index:06d}.mp4", "{episode_index:999999999999d}.mp4",
                "malformed path template"
            ),
            ("meta/info.json", "{episode_index:06d}.mp4", "{episode_index:06d.mp4", "malformed path template"),
            ("meta/info.json", "\"chunks_size\": 1000", "\"chunks_size\": 0", "chunks_size: expected an integer in 1"),
            ("meta/episodes.jsonl", "\"length\": 43", "\"length\": 9223372036854775807", "episodes.jsonl:2: length"),
            ("meta/episodes.jsonl", "\"length\": 43", "\"length\": \"43\"", "episodes.jsonl:2: length"),
            ("meta/episodes.jsonl", "\"episode_index\": 2", "\"episode_index\": 1", "each episode once"),
            ("meta/tasks.jsonl", "\"task_index\": 1", "\"task_index\": null", "tasks.jsonl:2: task_index"),
        ])
    func invalid(file: String, old: String, new: String, message: String) throws {
        let copy = try DatasetCopy(of: "toto_push_lf_v21")
        try copy.edit(file, old, new)
        #expect {
            _ = try LeRobotDataset(root: copy.root, name: "broken")
        } throws: { error in
            "\(error)".contains(message)
        }
    }

    @Test("no cut or change of the metadata's bytes crashes the reader")
    func hostileMetadata() throws {
        var random = SplitMix(state: 3)
        for (name, file) in [
            ("toto_push_lf_v21", "meta/info.json"), ("toto_push_lf_v21", "meta/episodes.jsonl"),
            ("ego4d_push_v30", "meta/episodes/chunk-000/file-000.parquet"), ("ego4d_push_v30", "meta/tasks.parquet"),
        ] {
            let copy = try DatasetCopy(of: name)
            let url = URL(fileURLWithPath: "\(copy.root)/\(file)")
            let good = try Array(Data(contentsOf: url))
            for trial in 0..<60 {
                var bytes = good
                if trial % 3 == 0 {
                    bytes.removeLast(Int.random(in: 0..<good.count, using: &random))
                } else {
                    for _ in 0..<3 {
                        bytes[Int.random(in: 0..<good.count, using: &random)] = .random(in: 0...255, using: &random)
                    }
                }
                try Data(bytes).write(to: url)
                _ = try? LeRobotDataset(root: copy.root, name: "hostile")
            }
        }
    }
}
