import BackendConformance
import Formats
import Foundation
import LAMData
import Tensor
import TestSupport
import Testing
import Wan
import WanVAE

/// What an extraction writes, and when it refuses to.
@Suite struct LatentExtractorTests {
    private static let reference = Goldens.url("wan/latents_pth")
    private static let checkpoint = reference.appendingPathComponent("ckpt_dir").path

    private static func options(_ folder: TemporaryFolder) throws -> ExtractionOptions {
        try FileManager.default.copyItem(
            at: reference.appendingPathComponent("dataset"), to: folder.url("dataset"))
        return ExtractionOptions(checkpoint: checkpoint, dataset: folder.path("dataset"))
    }

    private static func run(_ options: ExtractionOptions) throws -> ExtractionSummary {
        try LatentExtractor(options, threads: 1, report: { _ in }).run()
    }

    @Test("ranks share the videos, and together write what one process writes")
    func ranks() throws {
        let reference = Goldens.url("wan/latents_pth")
        let folder = try TemporaryFolder()
        try FileManager.default.copyItem(
            at: reference.appendingPathComponent("dataset"), to: folder.url("dataset"))
        var options = ExtractionOptions(
            checkpoint: reference.appendingPathComponent("ckpt_dir").path, dataset: folder.path("dataset")
        )
        options.rankCount = 2
        var written: [Int] = []
        for rank in 0..<2 {
            options.rank = rank
            written.append(try LatentExtractor(options, threads: 1, report: { _ in }).run().written)
        }
        #expect(written.reduce(0, +) == 8 && written.allSatisfy { $0 > 0 })
        options.rank = 0
        options.rankCount = 1
        #expect(try LatentExtractor(options, threads: 1, report: { _ in }).run().skipped == 8)
    }

    @Test("a file's latents are those of its video's frames, encoded by themselves")
    func latents() throws {
        let folder = try TemporaryFolder()
        var options = try Self.options(folder)
        options.episodes = [2]
        options.frames.targetFPS = 10
        var files: [String] = []
        let extractor = try LatentExtractor(options, threads: 1) { event in
            if case .wrote(let path) = event { files.append(path) }
        }
        #expect(try extractor.run().written == 2 && files.count == 2)

        let dataset = try LeRobotDataset(
            root: folder.path("dataset"), name: "dataset", checkDataFiles: false, readsTasks: false)
        let encoder = try WanVAEEncoder(
            weights: WeightFile(path: Self.checkpoint + "/Wan2.2_VAE.pth"), precision: .f32,
            on: TestBackend.cpu(threads: 1))
        for file in files {
            let record = try TorchFile(path: file).root
            let frames = try #require(record["frame_ids"]?.elements).compactMap(\.int)
            #expect(frames == FrameRule(targetFPS: 10).frames(start: 4, end: 29, fps: 20))
            let camera = try dataset.camera(
                preferred: "observation.images." + (file.contains("wrist") ? "wrist_image" : "image"))
            let images = try FrameReader(dataset: dataset, camera: camera).frames(
                episode: 2, frames: frames)
            let (height, width) = (images[0].height, images[0].width)
            var clip = WanVAEEncoder.Clip(encoder)
            var expected: [Float] = []
            for part in [0..<1, 1..<WanVAEEncoder.usedFrames(of: frames.count)] {
                let patches = FramePatches.patches(
                    images[part].map(\.pixels), height: height, width: width, on: encoder.backend)
                expected += LatentStatistics.latents(
                    ofMoments: encoder.backend.floats(clip.moments(patches)))
            }
            let latent = try #require(record["latent"]?.tensor).contiguous()
            let wanted = StoredTensor(roundingToBF16: expected, shape: [expected.count / 48, 48])
            #expect(latent.shape == wanted.shape && latent.bytes() == wanted.bytes(), "\(file)")
        }
    }

    @Test(
        "latents that were made otherwise are refused with the option that differs, and made anew on request"
    )
    func otherLatents() throws {
        let folder = try TemporaryFolder()
        var options = try Self.options(folder)
        options.episodes = [0]
        #expect(try Self.run(options).written == 4)
        options.precision = .bf16
        #expect(
            throws: ExtractionError.otherLatents(
                path: folder.path("dataset/latents/manifest.json"), field: "options.precision",
                expected: "bf16",
                got: "f32")
        ) { try Self.run(options) }
        options.episodes = nil
        options.overwrites = true
        #expect(try Self.run(options).written == 8)
    }

    @Test("a manifest that is damaged is refused, and replaced on request")
    func damagedManifest() throws {
        let folder = try TemporaryFolder()
        var options = try Self.options(folder)
        try FileManager.default.createDirectory(
            at: folder.url("dataset/latents"), withIntermediateDirectories: true)
        try Data("{".utf8).write(to: folder.url("dataset/latents/manifest.json"))
        #expect(throws: ExtractionError.self) { try Self.run(options) }
        options.overwrites = true
        #expect(try Self.run(options).written == 8)
        #expect(
            try JSONValue(contentsOf: folder.url("dataset/latents/manifest.json"))["segments"]?.int == 8)
    }

    @Test("episodes that the dataset does not have are named")
    func unknownEpisodes() throws {
        let folder = try TemporaryFolder()
        var options = try Self.options(folder)
        options.episodes = [1, 7, 9]
        let error = #expect(throws: ExtractionError.self) { try Self.run(options) }
        guard case .noEpisodes(_, let asked) = error else {
            Issue.record("\(error as Any)")
            return
        }
        #expect(asked == "7, 9")
    }

    @Test("an interruption ends the run, keeps what is complete, and the next run goes on")
    func interrupted() throws {
        let folder = try TemporaryFolder()
        let options = try Self.options(folder)
        var written = 0
        let extractor = try LatentExtractor(
            options, threads: 1,
            report: { event in if case .wrote = event { written += 1 } }, isInterrupted: { written > 1 })
        #expect(throws: ExtractionError.interrupted) { try extractor.run() }
        let rest = try Self.run(options)
        #expect(written > 1 && rest.skipped == written && rest.written + written == 8)
    }

    @Test("the vectors of a text are padded with zeros, or not, behind the same rows")
    func textVectors() throws {
        func text(_ padding: ExtractionOptions.TextPadding) throws -> StoredTensor {
            let folder = try TemporaryFolder()
            var options = try Self.options(folder)
            (options.episodes, options.textPadding, options.videoKeys) = (
                [1], padding, ["observation.images.image"]
            )
            var file = ""
            _ = try LatentExtractor(options, threads: 1) { event in
                if case .wrote(let path) = event { file = path }
            }.run()
            return try #require(try TorchFile(path: file).root["text_emb"]?.tensor).contiguous()
        }
        let (own, padded) = (try text(.none), try text(.full))
        #expect(padded.shape == [512, own.shape[1]] && (1..<512).contains(own.shape[0]))
        let bytes = own.bytes()
        #expect(Array(padded.bytes().prefix(bytes.count)) == bytes)
        #expect(padded.bytes().dropFirst(bytes.count).allSatisfy { $0 == 0 })
    }

    @Test("pictures of columns are taken where there are no videos")
    func columns() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.copyItem(
            at: Goldens.url("datasets/image_kinds_v21"), to: folder.url("images"))
        let lines = folder.url("images/meta/episodes.jsonl")
        let segment = #"{"start_frame": 0, "end_frame": 4, "action_text": "look"}"#
        try Data(#"{"episode_index": 0, "tasks": ["look"], "length": 4, "action_config": [\#(segment)]}"#.utf8).write(
            to: lines)
        var options = ExtractionOptions(checkpoint: Self.checkpoint, dataset: folder.path("images"))
        options.size = (32, 32)
        let summary = try Self.run(options)
        #expect(summary.written == 2)
        // Its pictures are damaged.
        #expect(summary.leftOut.map(\.camera) == ["observation.images.bad"])
    }

    @Test("a video that lies otherwise than the camera's others is left out, and what was assumed is told")
    func turned() throws {
        let folder = try TemporaryFolder()
        var options = try Self.options(folder)
        options.videoKeys = ["observation.images.image"]
        options.size = (32, 32)
        let video = "videos/chunk-000/observation.images.image/episode_000001.mp4"
        let turned = Goldens.url("cases/looks/rotated/videos/chunk-000/observation.images.top/episode_000000.mp4")
        try FileManager.default.removeItem(at: folder.url("dataset/" + video))
        try FileManager.default.copyItem(at: turned, to: folder.url("dataset/" + video))
        let lines = folder.url("dataset/meta/episodes.jsonl")
        let text = try String(contentsOf: lines, encoding: .utf8)
        let shorter = text.replacingOccurrences(of: "\"length\": 21", with: "\"length\": 8").replacingOccurrences(
            of: "\"end_frame\": 21", with: "\"end_frame\": 8")
        try Data(shorter.utf8).write(to: lines)
        var notes: [String] = []
        let summary = try LatentExtractor(options, threads: 1) { event in
            if case .note(let note) = event { notes.append(note) }
        }.run()
        #expect(summary.written == 3)
        #expect(summary.leftOut.map(\.episode) == [1] && summary.leftOut.allSatisfy { $0.cause == .badVideo })
        #expect(notes.contains { $0.contains("pictures of another size") }, "\(notes)")
    }
}
