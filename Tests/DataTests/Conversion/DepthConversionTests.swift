import Formats
import Foundation
import Conversion
import LAMData
import Parquet
import TestSupport
import Testing

@Suite("Depth in conversions")
struct DepthConversionTests {
    private func distances(_ dataset: LeRobotDataset, _ key: String) throws -> [[DepthPicture?]] {
        let reader = try FrameReader(dataset: dataset, camera: dataset.camera(preferred: key))
        return try dataset.episodes.indices.map { episode in
            try reader.distances(episode: episode, frames: Array(0..<dataset.episodes[episode].length))
        }
    }

    @Test(
        "stays as it is, bit for bit and with its description",
        arguments: ["depth_hevc", "depth_image", "depth_video"], [DatasetInfo.Version.v21, .v30])
    func kept(_ name: String, _ version: DatasetInfo.Version) throws {
        let folder = try TemporaryFolder()
        let source = try CaseDataset.open(name)
        var options = ConversionOptions()
        options.format = version
        _ = try DatasetConversion(source, to: folder.path("out"), options).run()
        let copy = try LeRobotDataset(root: folder.path("out"), name: name)
        let key = try #require(source.cameras.first { !$0.content.isColor }?.key)
        #expect(copy.cameras.map(\.key) == source.cameras.map(\.key))
        #expect(try copy.camera(preferred: key) == source.camera(preferred: key))
        #expect(try distances(copy, key) == distances(source, key))
        #expect(try copy.camera() == Camera(key: source.camera().key, kind: .video))

        func description(_ dataset: LeRobotDataset) throws -> NSDictionary {
            let data = try Data(contentsOf: URL(fileURLWithPath: "\(dataset.root)/meta/info.json"))
            let info = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
            return try #require((info["features"] as? [String: Any])?[key] as? NSDictionary)
        }
        #expect(try description(copy) == description(source))
    }

    @Test("keeps the files of pictures in columns byte for byte")
    func bytes() throws {
        let folder = try TemporaryFolder()
        let source = try CaseDataset.open("depth_image")
        var options = ConversionOptions()
        options.cameras = [(from: "observation.images.top_depth", to: "deep")]
        _ = try DatasetConversion(source, to: folder.path("out"), options).run()
        let copy = try LeRobotDataset(root: folder.path("out"), name: "out")
        #expect(copy.cameras.map(\.key) == ["observation.images.deep"])
        #expect(copy.info.features.count == source.info.features.count - 1)
        for (place, episode) in source.episodes.enumerated() {
            let old = try ParquetFile(path: source.dataFile(of: episode))
                .values("observation.images.top_depth", rows: episode.rows.first.rows)
            let written = copy.episodes[place]
            let new = try ParquetFile(path: copy.dataFile(of: written)).values(
                "observation.images.deep", rows: written.rows.first.rows)
            #expect(old.map { $0["bytes"] } == new.map { $0["bytes"] })
        }
    }

    @Test("copies whole videos to v3.0, however many episodes they have")
    func wholeVideos() throws {
        let folder = try TemporaryFolder()
        let source = try CaseDataset.open("depth_video")
        var options = ConversionOptions()
        options.format = .v30
        _ = try DatasetConversion(source, to: folder.path("out"), options).run()
        let file = "videos/observation.images.front_depth/chunk-000/file-000.mp4"
        #expect(
            try Data(contentsOf: folder.url("out/\(file)"))
                == Data(contentsOf: URL(fileURLWithPath: "\(source.root)/\(file)")))
        let stats = try String(contentsOf: folder.url("out/meta/stats.json"), encoding: .utf8)
        #expect(stats.contains("observation.images.front_depth"))
    }

    @Test("goes on where it was interrupted")
    func resumed() throws {
        let folder = try TemporaryFolder()
        let source = try CaseDataset.open("depth_video")
        let conversion = try DatasetConversion(source, to: folder.path("out"), ConversionOptions())
        #expect(throws: CancellationError.self) { try conversion.run(isCancelled: cancelling(after: 8)) }
        let summary = try conversion.run()
        #expect(summary.resumed > 0)
        let copy = try LeRobotDataset(root: folder.path("out"), name: "out")
        #expect(
            try distances(copy, "observation.images.front_depth") == distances(source, "observation.images.front_depth")
        )
    }
}
