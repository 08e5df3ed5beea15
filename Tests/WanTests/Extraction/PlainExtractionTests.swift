import Formats
import Foundation
import LAMData
import TestSupport
import Testing
import Wan

@Suite("Latents of plain videos")
struct PlainExtractionTests {
    private static let reference = Goldens.url("wan/latents_pth")

    /// An empty folder for videos.
    private static func films(in folder: TemporaryFolder) throws -> String {
        let films = folder.path("films")
        try FileManager.default.createDirectory(atPath: films, withIntermediateDirectories: true)
        return films
    }

    /// A dataset whose videos are taken as plain ones.
    private static func recorded() throws -> LeRobotDataset {
        try LeRobotDataset(
            root: reference.appendingPathComponent("dataset").path, name: "d", checkDataFiles: false, readsTasks: false)
    }

    private static func options(_ films: String) -> ExtractionOptions {
        ExtractionOptions(checkpoint: reference.appendingPathComponent("ckpt_dir").path, dataset: films)
    }

    @Test("are made of those that have a text, and lie in their folder")
    func plain() throws {
        let folder = try TemporaryFolder()
        let films = try Self.films(in: folder)
        let source = try Self.recorded()
        for (place, name) in ["a", "b"].enumerated() {
            try FileManager.default.copyItem(
                atPath: source.videoFile(of: source.episodes[place], camera: source.videoCameras[0]),
                toPath: "\(films)/\(name).mp4")
        }
        try Data("pick up the bowl".utf8).write(to: URL(fileURLWithPath: "\(films)/a.txt"))
        let options = Self.options(films)
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
        let folder = try TemporaryFolder()
        let films = try Self.films(in: folder)
        var bytes = try Data(contentsOf: Goldens.url("video/av1_scene_changes.mkv"))
        for name in ["a", "b"] {
            try bytes.write(to: URL(fileURLWithPath: "\(films)/\(name).mkv"))
            try Data("walk".utf8).write(to: URL(fileURLWithPath: "\(films)/\(name).txt"))
            // A bit of the data of a tile, which the first decoder shows as a picture.
            bytes[1925] ^= 0x80
        }
        var options = Self.options(films)
        options.size = (32, 32)
        let summary = try LatentExtractor(options, threads: 1, report: { _ in }).run()
        #expect(summary.written == 1)
        #expect(summary.leftOut.map(\.cause) == [.badVideo] && summary.leftOut.map(\.episode) == [1])
        #expect(summary.leftOut[0].reason.contains("libaom"), "\(summary.leftOut)")
    }

    @Test("are not taken for those of another video that a new one has given its number")
    func renumbered() throws {
        let folder = try TemporaryFolder()
        let films = try Self.films(in: folder)
        let source = try Self.recorded()
        let video = try source.videoFile(of: source.episodes[1], camera: source.videoCameras[0])
        func film(_ name: String) throws {
            try FileManager.default.copyItem(atPath: video, toPath: "\(films)/\(name).mp4")
            try Data("walk".utf8).write(to: URL(fileURLWithPath: "\(films)/\(name).txt"))
        }
        try film("b")
        var options = Self.options(films)
        func run() throws -> ExtractionSummary { try LatentExtractor(options, threads: 1, report: { _ in }).run() }
        #expect(try run().written == 1)
        try film("c")
        let more = try run()
        #expect(more.written == 1 && more.skipped == 1)
        try film("a")
        let error = try #require(throws: ExtractionError.self) { try run() }
        guard case .otherLatents(_, "episode 0", "a.mp4", "b.mp4") = error else {
            Issue.record("\(error)")
            return
        }
        options.overwrites = true
        #expect(try run().written == 3)
        options.overwrites = false
        #expect(try run().skipped == 3)
    }

    @Test("of pictures need a rate, which is rounded as their frames are counted")
    func rate() throws {
        let folder = try TemporaryFolder()
        let clip = folder.path("pictures/clip")
        try FileManager.default.createDirectory(atPath: clip, withIntermediateDirectories: true)
        for number in 0..<5 {
            let pixels = [UInt8](repeating: UInt8(number * 40), count: 16 * 16 * 3)
            let file = try PNGImage(width: 16, height: 16, pixels: pixels).encoded()
            try Data(file).write(to: URL(fileURLWithPath: "\(clip)/\(number).png"))
        }
        try Data("walk".utf8).write(to: URL(fileURLWithPath: clip + ".txt"))
        var options = Self.options(folder.path("pictures"))
        #expect(throws: DataError.self) { try LatentExtractor(options, threads: 1, report: { _ in }).run() }
        options.fps = 29.97
        #expect(try LatentExtractor(options, threads: 1, report: { _ in }).run().written == 1)
        let file = folder.path("pictures/latents/chunk-000/observation.images.video/episode_000000_0_5.pth")
        #expect(try TorchFile(path: file).root["ori_fps"]?.int == 30)
    }
}
