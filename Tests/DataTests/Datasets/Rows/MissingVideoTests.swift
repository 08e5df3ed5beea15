import Foundation
import Conversion
import LAMData
import TestSupport
import Testing

/// Videos that are not there, and what `data.on_bad_sample` makes of them.
@Suite struct MissingVideoTests {
    private static let missing = "cases/17-missing-video-and-skip/one_missing"
    private static let folder = "videos/chunk-000/observation.images.top"

    private func options(_ copy: CaseCopy, _ policy: BadSampleOption) -> StreamOptions {
        var options = copy.options
        options.onBadSample = policy
        return options
    }

    /// Video files that are of no use without being damaged ones.
    private static let contents: [(name: String, bytes: String?)] = [
        ("nothing", nil), ("an empty file", ""),
        ("a pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"),
    ]

    @Test(
        "by default a missing video is refused on opening; under skip its episode is left out, and nothing is skipped for it"
    )
    func policies() throws {
        for (name, bytes) in Self.contents {
            let copy = try CaseCopy(Self.missing)
            if let bytes {
                try bytes.write(
                    toFile: copy.path("\(Self.folder)/episode_000001.mp4"), atomically: true, encoding: .utf8)
            }
            #expect(throws: DataError.self, "\(name)") { try FramePairStream(options(copy, .fail)) }
            let sources = try StreamSource.open(options(copy, .skip))
            #expect(sources[0].notes.count == 1 && sources[0].notes[0].contains("1 of 3 videos"), "\(sources[0].notes)")
            let stream = try FramePairStream(sources: sources, options(copy, .skip))
            let batches = try (0..<8).compactMap { _ in try stream.next() }
            let skipped = batches.flatMap(\.skipped)
            #expect(skipped.isEmpty, "\(name)")
            #expect(batches.flatMap(\.samples).allSatisfy { $0.episode != 1 })
        }
    }

    @Test("where all videos are missing, skip does not help")
    func all() throws {
        let copy = try CaseCopy(Self.missing)
        for episode in [0, 2] { try copy.remove("\(Self.folder)/episode_00000\(episode).mp4") }
        let error = try #require(throws: DataError.self) { try FramePairStream(options(copy, .skip)) }
        guard case .missingVideo(_, _, 0, _) = error else {
            Issue.record("\(error)")
            return
        }
    }

    @Test(
        "the videos of a camera that was not named may be missing",
        arguments: ["droid_push_hf_v21", "push_default_v30"])
    func otherCamera(name: String) throws {
        let copy = try CaseCopy("datasets/\(name)")
        let cameras = try copy.open().cameras
        let absent = cameras[1].key
        let folder = name.hasSuffix("v21") ? "videos/chunk-000/\(absent)" : "videos/\(absent)"
        try copy.remove(folder)
        let dataset = try copy.open()
        #expect(throws: DataError.self) { _ = try dataset.videoNotes(camera: cameras[1]) }
        var named = copy.options
        named.imageKeys = [.init(pattern: copy.name, key: cameras[0].key)]
        #expect(try FramePairStream(named).next() != nil)
        _ = try DatasetReport(dataset: dataset, cameras: [cameras[0]])
        var conversion = ConversionOptions()
        conversion.cameras = [(from: cameras[0].key, to: nil)]
        conversion.format = name.hasSuffix("v21") ? .v30 : .v21
        let summary = try DatasetConversion(dataset, to: copy.beside("out"), conversion).run()
        #expect(summary.frames == dataset.totalFrames)
        #expect(throws: DataError.self) {
            try DatasetConversion(dataset, to: copy.beside("x"), ConversionOptions()).run()
        }
    }

    @Test("a missing data file is named, where its rows are nowhere else")
    func dataFile() throws {
        let copy = try CaseCopy(Self.missing)
        try copy.remove("data/chunk-000/episode_000002.parquet")
        let error = try #require(throws: DataError.self) { try copy.open() }
        guard case .missingFile(let path, _) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(path.hasSuffix("data/chunk-000/episode_000002.parquet"))
    }
}
