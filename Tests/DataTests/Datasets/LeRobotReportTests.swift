import Foundation
import LAMData
import TestSupport
import Testing

@Suite struct LeRobotReportTests {
    @Test("a report names version, rate, lengths, window, and each camera with what its file really holds")
    func report() throws {
        let dataset = try SampleDatasets.open("droid_push_v30")
        let report = try DatasetReport(dataset: dataset, cameras: dataset.cameras)
        #expect(report.codebaseVersion == "v3.0")
        #expect(report.totalEpisodes == 6)
        #expect(report.totalFrames == 621)
        #expect(report.window.minimum == 15 && report.window.maximum == 20)
        let camera = try #require(report.cameras.first)
        #expect(camera.codec == "av1")
        #expect(camera.width == 128 && camera.height == 96)
        #expect(camera.framesPerKeyframe == 2)
        let text = report.text()
        for part in ["LeRobot v3.0", "30 frames/s", "6 (621 frames, 20.7 s)", "15 to 20 frames", "128x96", "av1"] {
            #expect(text.contains(part), "\(part)")
        }
    }

    @Test("codec and size come from the file even if info.json says otherwise")
    func contentRules() throws {
        let copy = try DatasetCopy(of: "toto_push_lf_v20")
        try copy.edit("meta/info.json", "h264", "av1")
        let dataset = try LeRobotDataset(root: copy.root, name: "copy")
        let report = try DatasetReport(dataset: dataset, cameras: dataset.cameras)
        #expect(report.cameras.map(\.codec) == ["h264"])
    }

    @Test("images in data files are reported with their size")
    func images() throws {
        let dataset = try SampleDatasets.open("toto_push_images_v30")
        let camera = try #require(DatasetReport(dataset: dataset, cameras: dataset.cameras).cameras.first)
        #expect(camera.kind == "image" && camera.codec == nil)
        #expect(camera.width == 96 && camera.height == 96)
    }

    @Test(
        "verification counts the frames of all cameras and reports its progress",
        arguments: [
            ("toto_push_lf_v21", 222), ("push_default_v30", 1046), ("toto_push_images_v30", 240),
        ])
    func verification(name: String, frames: Int) throws {
        let dataset = try SampleDatasets.open(name)
        var last = (0, 0)
        let verification = try DatasetVerification(dataset: dataset, cameras: dataset.cameras) { last = ($0, $1) }
        #expect(verification.frames == frames)
        #expect(verification.warnings.isEmpty)
        #expect(last == (frames, frames))
    }

    @Test("verification finds a video that is too short and rows that are numbered wrongly")
    func findings() throws {
        let short = try LeRobotDataset(root: Goldens.url("datasets/bad/video_short_v21").path, name: "short")
        #expect(throws: DataError.self) { try DatasetVerification(dataset: short, cameras: short.cameras) }

        let copy = try DatasetCopy(of: "toto_push_lf_v21")
        let data = "\(copy.root)/data/chunk-000/episode_00000"
        // Episode 1 becomes a copy of episode 0, and all counts are made to agree with that.
        try FileManager.default.removeItem(atPath: "\(data)1.parquet")
        try FileManager.default.copyItem(atPath: "\(data)0.parquet", toPath: "\(data)1.parquet")
        try copy.edit("meta/episodes.jsonl", "\"length\": 43", "\"length\": 41")
        try copy.edit("meta/info.json", "\"total_frames\": 222", "\"total_frames\": 220")
        #expect {
            try LeRobotDataset(root: copy.root, name: "copy")
        } throws: { error in
            guard case DataError.episodeLengthMismatch(_, 1, 41, _, 0, let path) = error else { return false }
            return path.hasSuffix("episode_000001.parquet")
        }
    }
}
