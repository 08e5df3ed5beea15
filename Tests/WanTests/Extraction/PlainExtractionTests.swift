import Formats
import Foundation
import LAMData
import TestSupport
import Testing
import Wan

@Suite("Latents of plain videos")
struct PlainExtractionTests {
    @Test("are made of those that have a text, and lie in their folder")
    func plain() throws {
        let reference = Goldens.url("wan/latents_pth")
        let folder = try TemporaryFolder()
        let films = folder.path("films")
        try FileManager.default.createDirectory(atPath: films, withIntermediateDirectories: true)
        let source = try LeRobotDataset(
            root: reference.appendingPathComponent("dataset").path, name: "d", checkDataFiles: false, readsTasks: false)
        for (place, name) in ["a", "b"].enumerated() {
            try FileManager.default.copyItem(
                atPath: source.videoFile(of: source.episodes[place], camera: source.videoCameras[0]),
                toPath: "\(films)/\(name).mp4")
        }
        try Data("pick up the bowl".utf8).write(to: URL(fileURLWithPath: "\(films)/a.txt"))
        let options = ExtractionOptions(
            checkpoint: reference.appendingPathComponent("ckpt_dir").path, dataset: films)
        let summary = try LatentExtractor(options, threads: 1, report: { _ in }).run()
        #expect(summary.written == 1)
        #expect(summary.leftOut.map(\.episode) == [1])
        let length = try PlainVideoDataset(path: films, name: "films").episode(0).length
        let path = "\(films)/latents/chunk-000/observation.images.video/episode_000000_0_\(length).pth"
        let record = try TorchFile(path: path).root
        #expect(record["text"]?.string == "pick up the bowl")
        // The latents beside them are no videos.
        #expect(try LatentExtractor(options, threads: 1, report: { _ in }).run().skipped == 1)
    }

    @Test("leave out what a second decoder finds damaged, and say so")
    func damaged() throws {
        let reference = Goldens.url("wan/latents_pth")
        let folder = try TemporaryFolder()
        let films = folder.path("films")
        try FileManager.default.createDirectory(atPath: films, withIntermediateDirectories: true)
        var bytes = try Data(contentsOf: Goldens.url("video/av1_scene_changes.mkv"))
        for name in ["a", "b"] {
            try bytes.write(to: URL(fileURLWithPath: "\(films)/\(name).mkv"))
            try Data("walk".utf8).write(to: URL(fileURLWithPath: "\(films)/\(name).txt"))
            // A bit of the data of a tile, which the first decoder shows as a picture.
            bytes[1925] ^= 0x80
        }
        var options = ExtractionOptions(
            checkpoint: reference.appendingPathComponent("ckpt_dir").path, dataset: films)
        options.size = (32, 32)
        let summary = try LatentExtractor(options, threads: 1, report: { _ in }).run()
        #expect(summary.written == 1)
        #expect(summary.leftOut.map(\.cause) == [.badVideo] && summary.leftOut.map(\.episode) == [1])
        #expect(summary.leftOut[0].reason.contains("libaom"), "\(summary.leftOut)")
    }
}
