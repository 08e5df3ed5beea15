import Formats
import Foundation
import LAMData
import Parquet
import TestSupport
import Testing

/// The broken sets of `Tests/Goldens/datasets/bad`; what is wanted of each stands in `expected.json` there.
@Suite struct BadDatasetTests {
    private func root(_ name: String) -> String { Goldens.url("datasets/bad/\(name)").path }

    private func openingError(_ name: String) throws -> any Error {
        try #require(throws: (any Error).self) { _ = try LeRobotDataset(root: root(name), name: name) }
    }

    @Test("a set of Git LFS pointers says so and names the file")
    func lfsPointers() throws {
        let error = try openingError("lfs_pointers_v21")
        let path = "\(root("lfs_pointers_v21"))/data/chunk-000/episode_000000.parquet"
        #expect(error as? DataError == .lfsPointer(path: path))
        #expect("\(error)".contains("git lfs pull"))

        let metadataOnly = try LeRobotDataset(root: root("lfs_pointers_v21"), name: "x", checkDataFiles: false)
        let camera = metadataOnly.cameras[0]
        let video = try metadataOnly.videoFile(of: metadataOnly.episodes[0], camera: camera)
        let reader = try FrameReader(dataset: metadataOnly, camera: camera)
        #expect(throws: DataError.lfsPointer(path: video)) { try reader.frames(episode: 0, frames: [0]) }
        #expect(throws: DataError.lfsPointer(path: video)) { _ = try metadataOnly.videoNotes(camera: camera) }
    }

    @Test("a missing video is named with camera, episode and path, when asked and when checked")
    func missingVideo() throws {
        let dataset = try LeRobotDataset(root: root("missing_video_v30"), name: "set")
        let camera = try dataset.camera()
        let expected = DataError.missingVideo(
            dataset: "set", camera: "observation.image", episode: 0,
            path: "\(root("missing_video_v30"))/videos/observation.image/chunk-000/file-000.mp4")
        #expect(throws: expected) { _ = try dataset.videoNotes(camera: camera) }
        let reader = try FrameReader(dataset: dataset, camera: camera)
        #expect(throws: expected) { try reader.frames(episode: 0, frames: [0]) }
    }

    @Test("a truncated video gives errors or right frames, never wrong ones")
    func truncatedVideo() throws {
        let name = "truncated_video_v30"
        let dataset = try LeRobotDataset(root: root(name), name: name)
        let reader = try FrameReader(dataset: dataset, camera: dataset.camera())
        // It is a copy of this set, cut.
        let whole = try SampleDatasets.open("ego4d_push_v30")
        let wholeReader = try FrameReader(dataset: whole, camera: whole.camera())
        var errors = 0
        for (position, episode) in dataset.episodes.enumerated() {
            for frame in 0..<episode.length {
                do {
                    let image = try reader.frames(episode: position, frames: [frame])
                    #expect(try image == wholeReader.frames(episode: position, frames: [frame]))
                } catch is DataError {
                    errors += 1
                }
            }
        }
        #expect(errors > 0)
        print("truncated_video_v30: \(errors) of \(dataset.totalFrames) frames are errors")
    }

    @Test("a truncated data file is named")
    func truncatedTable() throws {
        let error = try openingError("truncated_parquet_v21")
        #expect(error is ParquetError)
        #expect("\(error)".contains("data/chunk-000/episode_000001.parquet"))
    }

    @Test("empty metadata are named")
    func emptyMetadata() throws {
        let error = try openingError("empty_meta_v21")
        #expect(error as? DataError == .emptyFile(path: "\(root("empty_meta_v21"))/meta/info.json"))
    }

    @Test(
        "versions other than 2.0, 2.1 and 3.0 are refused by name",
        arguments: [
            ("future_version", "v4.0"), ("old_version", "v1.6"),
        ])
    func versions(name: String, version: String) throws {
        let error = try openingError(name)
        #expect(
            error as? DataError
                == .unsupportedVersion(
                    path: "\(root(name))/meta/info.json", version: version, supported: ["v2.0", "v2.1", "v3.0"]))
        #expect("\(error)".contains("v2.0, v2.1, v3.0, got \(version)"))
    }

    @Test("a template that leaves the dataset is refused")
    func escape() throws {
        let error = try openingError("path_escape_v30")
        #expect(
            error as? DataError
                == .templateEscapesRoot(
                    path: "\(root("path_escape_v30"))/meta/info.json", field: "data_path",
                    template: "../../../secret-{chunk_index:03d}-{file_index:03d}.parquet"))
    }

    @Test("an unknown placeholder is named")
    func placeholder() throws {
        let error = try openingError("unknown_placeholder_v30")
        guard case DataError.unknownPlaceholder(_, "video_path", _, "nonsense", let known) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(known == ["chunk_index", "file_index", "video_key"])
    }

    @Test("a rate of 0 is refused")
    func rate() throws {
        let error = try openingError("fps_zero_v30")
        #expect("\(error)".contains("fps: expected a number > 0, got 0"))
    }

    @Test("a length that is not the data file's is named with both counts")
    func lengthMismatch() throws {
        let error = try openingError("length_mismatch_v21")
        guard case DataError.episodeLengthMismatch(_, 1, let declared, _, let found, let path) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(declared == found + 7)
        #expect(path.hasSuffix("episode_000001.parquet"))
    }

    @Test("frames beyond the end of a short video are errors, those before are read")
    func shortVideo() throws {
        let name = "video_short_v21"
        let dataset = try LeRobotDataset(root: root(name), name: name)
        let reader = try FrameReader(dataset: dataset, camera: dataset.camera())
        #expect(try reader.frames(episode: 0, frames: Array(0..<12)).count == 12)
        for frame in 12..<dataset.episodes[0].length {
            #expect {
                try reader.frames(episode: 0, frames: [frame])
            } throws: { error in
                guard case DataError.frameNotFound(_, 0, frame, _, _, let asked, let nearest, 12, _) = error else {
                    return false
                }
                return asked == Double(frame) / 5 && nearest == 2.2
            }
        }
        #expect(try reader.frames(episode: 1, frames: [0]).count == 1)
    }

    @Test("a camera without columns in the episode table is named when it is asked for")
    func cameraColumns() throws {
        let dataset = try LeRobotDataset(root: root("missing_camera_key_v30"), name: "x")
        let errors = dataset.cameras.compactMap { camera -> (any Error)? in
            do { _ = try dataset.videoNotes(camera: camera) } catch { return error }
            return nil
        }
        let error = try #require(errors.first)
        guard case DataError.missingCameraColumn(_, let camera, let column) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(column.hasPrefix("videos/\(camera)/"))
    }

    @Test("a broken line of JSON is named with its number")
    func brokenLine() throws {
        let error = try openingError("broken_jsonl_v21")
        guard case DataError.malformedJSON(let path, 3, _, _) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(path.hasSuffix("meta/episodes.jsonl"))
    }
}
