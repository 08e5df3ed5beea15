import Foundation
import Conversion
import LAMData
import TestSupport
import Testing

/// Episodes that claim the same frames of a video, or frames that it does not have.
@Suite struct VideoRangeTests {
    private static let folder = "cases/16-overlapping-episodes-are-sound"
    private static let camera = "videos/observation.images.top"

    /// What every command does first.
    private func expectRefused(_ copy: CaseCopy, _ words: String) throws {
        let dataset = try copy.open()
        let camera = dataset.cameras[0]
        for policy in BadSampleOption.allCases {
            var options = copy.options
            options.onBadSample = policy
            let error = try #require(throws: DataError.self) { try FramePairStream(options) }
            #expect("\(error)".contains(words), "\(error)")
        }
        for body in [
            { _ = try DatasetReport(dataset: dataset, cameras: [camera]) },
            { _ = try DatasetConversion(dataset, to: copy.beside("out"), ConversionOptions()).run() },
            { _ = try FrameReader(dataset: dataset, camera: camera) },
            { _ = try dataset.videoNotes(camera: camera) },
        ] {
            let error = try #require(throws: DataError.self) { try body() }
            #expect("\(error)".contains(words), "\(error)")
        }
    }

    @Test("four episodes that all begin at 0 s are refused by every command")
    func allAtZero() throws {
        try expectRefused(CaseCopy("\(Self.folder)/ts_all_zero_extra"), "8 that episodes 0 and 1 both claim")
    }

    @Test("episodes that point at another file's frames are refused, also where bad samples are skipped")
    func wrongFile() throws {
        // As a merge wrote it: the second half begins at 0 s again, in the file of the first.
        let copy = try CaseCopy("\(Self.folder)/ts_all_zero_extra")
        try copy.rewrite(CaseCopy.episodes) {
            $0.set("\(Self.camera)/from_timestamp", .double, [0, 0.8, 0, 0.8].map { .double($0) })
        }
        try expectRefused(copy, "both claim")
    }

    @Test("an overlap of one frame is refused, one of a fraction is not")
    func fractions() throws {
        for (start, isSound) in [(0.71, true), (0.7, false)] {
            let copy = try CaseCopy("cases/06-v3-without-tasks-column/v3_no_tasks_column")
            try copy.rewrite(CaseCopy.episodes) {
                $0.set("\(Self.camera)/from_timestamp", .double, [.double(0), .double(start)])
            }
            guard isSound else {
                try expectRefused(copy, "1 that episodes 0 and 1 both claim")
                continue
            }
            let whole = try CaseCopy.original("cases/06-v3-without-tasks-column/v3_no_tasks_column").pictures()
            #expect(try copy.open().pictures() == whole)
        }
    }

    @Test("drift that adds up to more than a frame over many episodes is drift; a jump of two frames is not")
    func drift() throws {
        // Four episodes of 8 frames in a video of 33: with one row more in the last, the lengths add up.
        let copy = try CaseCopy("\(Self.folder)/ts_all_zero_extra")
        func write(_ starts: [Double]) throws {
            try copy.rewrite(CaseCopy.episodes) {
                $0.set("\(Self.camera)/from_timestamp", .double, starts.map { .double($0) })
            }
        }
        try write([0, 0.8, 1.6, 2.4])
        let frames = try SequentialVideo(path: copy.path("\(Self.camera)/chunk-000/file-000.mp4")).frames.map {
            RGBImage(width: $0.width, height: $0.height, pixels: $0.rgb)
        }
        #expect(frames.count == 33)
        #expect(try copy.open().pictures().flatMap { $0 } == Array(frames.prefix(32)))
        try copy.rewrite(CaseCopy.episodes) {
            $0.setIntegers("length", [8, 8, 8, 9])
            $0.setIntegers("dataset_to_index", [8, 16, 24, 33])
        }
        try copy.rewrite(CaseCopy.data) { table in
            table.take(Array(0..<32) + [31])
            table.setIntegers("frame_index", (0..<32).map { $0 % 8 } + [8])
            table["timestamp"][32] = .float(0.8)
        }
        try copy.edit("meta/info.json", "\"total_frames\": 32", "\"total_frames\": 33")
        try write([0, 0.86, 1.72, 2.58])
        let drifting = try copy.open()
        #expect(try drifting.pictures().flatMap { $0 } == frames)
        #expect(try drifting.videoNotes(camera: drifting.cameras[0]).isEmpty)
        let warnings = try DatasetVerification(dataset: drifting, cameras: drifting.cameras).warnings
        #expect(warnings.contains { $0.contains("has drifted") }, "\(warnings)")

        try write([0, 0.8, 1.6, 2.6])
        let error = try #require(throws: DataError.self) { try FramePairStream(copy.options) }
        #expect("\(error)".contains("expected 35 frames"), "\(error)")
    }

    @Test("lengths and times that disagree by two frames are refused on opening, and read as no frame at all")
    func trailingShort() throws {
        let copy = try CaseCopy("\(Self.folder)/v3_trailing_short")
        let error = try #require(throws: DataError.self) { try FramePairStream(copy.options) }
        guard case .framesBeyondVideo(_, _, 1, _, 18, 16) = error else {
            Issue.record("\(error)")
            return
        }
        let dataset = try copy.open()
        #expect(throws: DataError.self) { try DatasetReport(dataset: dataset, cameras: dataset.cameras) }
        #expect(throws: DataError.self) {
            try DatasetConversion(dataset, to: copy.beside("o"), ConversionOptions()).run()
        }
        // As LeRobot reads it: row 8 is picture 10, and rows 14 and 15 have none.
        let reader = try FrameReader(dataset: dataset, camera: dataset.cameras[0])
        let frames = try SequentialVideo(path: copy.path("\(Self.camera)/chunk-000/file-000.mp4")).frames
        #expect(try reader.frames(episode: 1, frames: [0])[0].pixels == frames[10].rgb)
        #expect(throws: DataError.self) { try reader.frames(episode: 1, frames: [6]) }
        // Skipping leaves them to the samples, and says so.
        let notes = try dataset.videoNotes(camera: dataset.cameras[0], onBadSample: .skip)
        #expect(notes.count == 1 && notes[0].contains("expected 18 frames") && notes[0].contains("data.on_bad_sample"))
    }

    @Test("an overlap in a camera that is not named refuses nothing")
    func otherCamera() throws {
        let copy = try CaseCopy("datasets/push_default_v30")
        try copy.rewrite("meta/episodes/chunk-000/file-000.parquet") { table in
            let column = "videos/observation.images.wrist/from_timestamp"
            table[column] = table[column].map { _ in .double(0) }
        }
        var options = copy.options
        options.imageKeys = [.init(pattern: copy.name, key: "observation.images.top")]
        #expect(try FramePairStream(options).next() != nil)
        options.imageKeys = [.init(pattern: copy.name, key: "observation.images.wrist")]
        #expect(throws: DataError.self) { try FramePairStream(options) }
    }

    @Test("videos with another rate than the dataset, and a frame for each row, are told")
    func otherRate() throws {
        func notes(_ dataset: LeRobotDataset) throws -> [String] {
            try dataset.videoNotes(camera: dataset.cameras[0]).filter { $0.contains("another rate") }
        }
        let copy = try CaseCopy("cases/15-verify-against-index/gap_lines")
        #expect(try notes(copy.open()).isEmpty)
        let pictures = try copy.open().pictures()
        try copy.edit("meta/info.json", "\"fps\": 10", "\"fps\": 15")
        let found = try notes(copy.open())
        #expect(found.count == 1 && found[0].contains("10.0 frames/s, not 15.0"), "\(found)")
        #expect(try copy.open().pictures() == pictures)
    }
}
