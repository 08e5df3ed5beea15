import Formats
import Foundation
import Conversion
import LAMData
import Parquet
import TestSupport
import Testing

/// `meta/episodes` as programs around LeRobot write it.
@Suite struct EpisodeTableTests {
    private static let plain = "cases/06-v3-without-tasks-column/v3_no_tasks_column"
    private static let camera = "videos/observation.images.top"

    @Test("float indices, an integer from_timestamp and missing tasks open as what they are")
    func numberTypes() throws {
        for path in ["14-v3-number-types-and-nulls/v3_float_index", "14-v3-number-types-and-nulls/v3_ts_int"] {
            let dataset = try CaseCopy.original("cases/\(path)")
            #expect(dataset.notes.isEmpty)
            let verification = try DatasetVerification(dataset: dataset, cameras: dataset.cameras)
            #expect(verification.frames == dataset.totalFrames && verification.warnings.isEmpty)
            let files = try dataset.episodes.map { try dataset.videoFile(of: $0, camera: dataset.cameras[0]) }
            let frames = try SequentialVideo(path: files[0]).frames.map {
                RGBImage(width: $0.width, height: $0.height, pixels: $0.rgb)
            }
            #expect(try dataset.pictures().flatMap { $0 } == frames)
        }
    }

    @Test("what is no whole number is refused with the file, the column and the row")
    func fractions() throws {
        for (column, value) in [
            ("data/file_index", 0.5), ("length", 7.9), ("episode_index", 1.25), ("\(Self.camera)/chunk_index", 1e300),
        ] {
            let copy = try CaseCopy(Self.plain)
            try copy.rewrite(CaseCopy.episodes) { $0.set(column, .double, [.double(value), .double(8)]) }
            let error = try #require(throws: DataError.self) { try copy.open() }
            for part in [CaseCopy.episodes, "\(column) of row 0", "an integer in 0…", "\(value)"] {
                #expect("\(error)".contains(part), "\(error)")
            }
        }
        for column in ["episode_index", "length"] {
            let copy = try CaseCopy(Self.plain)
            try copy.rewrite(CaseCopy.episodes) { $0[column][1] = .null }
            let error = try #require(throws: DataError.self) { try copy.open() }
            #expect("\(error)".contains("\(column) of row 1: expected an integer, got null"), "\(error)")
        }
    }

    @Test("columns that nothing needs may be missing or empty, and a length follows from its range")
    func omitted() throws {
        let pictures = try CaseCopy.original(Self.plain).pictures()
        for columns in [
            ["data/chunk_index", "data/file_index"], ["dataset_from_index", "dataset_to_index"], ["length"],
            ["meta/episodes/chunk_index", "meta/episodes/file_index"],
        ] {
            let copy = try CaseCopy(Self.plain)
            try copy.rewrite(CaseCopy.episodes) { table in for column in columns { table.remove(column) } }
            #expect(try copy.open().pictures() == pictures, "\(columns)")
        }
        for column in ["data/chunk_index", "dataset_from_index", "dataset_to_index"] {
            for absent in [ParquetValue.null, .double(.nan)] {
                let copy = try CaseCopy(Self.plain)
                try copy.rewrite(CaseCopy.episodes) {
                    $0.set(column, .double, Array(repeating: absent, count: $0.rowCount))
                }
                #expect(try copy.open().pictures() == pictures, "\(column)")
            }
        }
        let copy = try CaseCopy(Self.plain)
        try copy.rewrite(CaseCopy.episodes) { table in
            for column in ["length", "dataset_to_index"] { table.remove(column) }
        }
        let error = try #require(throws: DataError.self) { try copy.open() }
        #expect("\(error)".contains("expected length, got episode_index"), "\(error)")
    }

    @Test(
        "an episode whose place in the videos is null has no video of the camera, and is left out",
        arguments: [true, false])
    func nullVideo(isNaN: Bool) throws {
        let copy = try CaseCopy(Self.plain)
        try copy.rewrite(CaseCopy.episodes) { table in
            for column in ["chunk_index", "file_index", "from_timestamp"] {
                table.set("\(Self.camera)/\(column)", .double, [.double(0), isNaN ? .double(.nan) : .null])
            }
        }
        let dataset = try copy.open()
        let camera = dataset.cameras[0]
        let notes = try dataset.videoNotes(camera: camera)
        #expect(notes == ["1 episodes (first: 1) have no video of observation.images.top; they are left out"])
        let source = try #require(try StreamSource.open(copy.options).first)
        #expect(source.episodes.map(\.index) == [0])
        #expect(source.notes.contains { $0.contains("have no video") })
        let batch = try #require(try FramePairStream(copy.options).next())
        #expect(batch.samples.allSatisfy { $0.episode == 0 })
        #expect(try DatasetVerification(dataset: dataset, cameras: [camera]).frames == 8)
        #expect(throws: DataError.noVideo(dataset: copy.name, camera: camera.key, episode: 1)) {
            try DatasetConversion(dataset, to: copy.beside("out"), ConversionOptions()).run()
        }
        #expect(!FileManager.default.fileExists(atPath: copy.beside("out.partial")))

        try copy.rewrite(CaseCopy.episodes) { $0["\(Self.camera)/file_index"][1] = .double(0) }
        let error = try #require(throws: DataError.self) { try copy.open() }
        #expect("\(error)".contains("chunk_index of row 1") && "\(error)".contains("got null"), "\(error)")
        try copy.rewrite(CaseCopy.episodes) { table in
            for column in ["chunk_index", "file_index", "from_timestamp"] {
                table["\(Self.camera)/\(column)"] = [.null, .null]
            }
        }
        let none = try copy.open()
        #expect(throws: DataError.noVideo(dataset: copy.name, camera: camera.key, episode: 0)) {
            try none.videoNotes(camera: camera, onBadSample: .skip)
        }
    }

    @Test("a camera that the table does not describe is refused when it is asked for, and not before")
    func undescribedCamera() throws {
        let copy = try CaseCopy(Self.plain)
        try copy.edit(
            "meta/info.json", "\"action\": {",
            "\"observation.images.side\": {\"dtype\": \"video\", \"shape\": [8, 8, 3], \"names\": null}, \"action\": {")
        let dataset = try copy.open()
        let side = try dataset.camera(preferred: "observation.images.side")
        #expect(try dataset.pictures(dataset.camera(preferred: "observation.images.top")).count == 2)
        for body in [
            { _ = try dataset.videoNotes(camera: side) }, { _ = try FrameReader(dataset: dataset, camera: side) },
        ] {
            let error = try #require(throws: DataError.self) { try body() }
            guard case .missingCameraColumn(_, side.key, _) = error else {
                Issue.record("\(error)")
                continue
            }
        }
        var options = copy.options
        options.imageKeys = [.init(pattern: copy.name, key: "observation.images.top")]
        #expect(try FramePairStream(options).next() != nil)
    }

    @Test("episodes without frames are left out with a note, whichever they are", arguments: [0, 1, 2])
    func emptyEpisodesOfVersion3(place: Int) throws {
        let copy = try CaseCopy(Self.plain)
        let pictures = try copy.open().pictures()
        try copy.rewrite(CaseCopy.episodes) { table in
            // A third episode of nothing, before, between or behind the others.
            var order = [0, 1]
            order.insert(min(place, 1), at: place)
            table.take(order)
            table.setIntegers("episode_index", [0, 1, 2])
            table.setIntegers("length", (0..<3).map { $0 == place ? 0 : 8 })
            let starts = (0..<3).map { $0 <= place ? 8 * $0 : 8 * ($0 - 1) }
            table.setIntegers("dataset_from_index", starts)
            table.setIntegers("dataset_to_index", (0..<3).map { starts[$0] + ($0 == place ? 0 : 8) })
            table.set("\(Self.camera)/from_timestamp", .double, starts.map { .double(Double($0) / 10) })
        }
        let kept = [0, 1, 2].filter { $0 != place }
        try copy.rewrite(CaseCopy.data) { $0.setIntegers("episode_index", (0..<16).map { kept[$0 / 8] }) }
        try copy.edit("meta/info.json", "\"total_episodes\": 2", "\"total_episodes\": 3")
        let dataset = try copy.open()
        #expect(dataset.episodes.map(\.episodeIndex) == kept)
        #expect(dataset.notes == ["1 episodes (first: \(place)) have no frames; they are left out"])
        #expect(try dataset.pictures() == pictures)
        #expect(try dataset.videoNotes(camera: dataset.cameras[0]).isEmpty)
    }

    @Test("an episode without frames is left out of v2.1, whether its files exist or not")
    func emptyEpisodesOfVersion2() throws {
        let copy = try CaseCopy("cases/15-verify-against-index/gap_lines")
        let pictures = try copy.open().pictures()
        try copy.edit(
            "meta/episodes.jsonl", "{\"episode_index\": 2",
            "{\"episode_index\": 1, \"tasks\": [], \"length\": 0}\n{\"episode_index\": 2")
        try copy.edit("meta/info.json", "\"total_episodes\": 2", "\"total_episodes\": 3")
        for file in [
            "videos/chunk-000/observation.images.top/episode_000001.mp4", "data/chunk-000/episode_000001.parquet",
        ] {
            let dataset = try copy.open()
            #expect(dataset.notes == ["1 episodes (first: 1) have no frames; they are left out"])
            #expect(try dataset.pictures() == pictures)
            #expect(try StreamSource.open(copy.options)[0].episodes.map(\.index) == [0, 2])
            try copy.remove(file)
        }
        try copy.edit("meta/episodes.jsonl", "\"length\": 8", "\"length\": 0")
        #expect(throws: DataError.noEpisodes(dataset: copy.name, root: copy.root)) { try copy.open() }
    }
}
