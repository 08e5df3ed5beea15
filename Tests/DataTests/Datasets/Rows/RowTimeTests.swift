import Foundation
import LAMData
import TestSupport
import Testing

/// `timestamp` beside `frame_index`: which of the two is used, and when they contradict each other.
@Suite struct RowTimeTests {
    private static let video = "cases/06-v3-without-tasks-column/v3_no_tasks_column"

    @Test("times that stray by less than half a frame are told, and frames are counted")
    func jitter() throws {
        let copy = try CaseCopy(Self.video)
        let plain = try copy.open()
        #expect(plain.notes.isEmpty)
        let pictures = try plain.pictures()
        try copy.rewrite(CaseCopy.data) { $0["timestamp"][3] = .float(0.33) }
        let dataset = try copy.open()
        #expect(dataset.notes.contains { $0.contains("timestamp of 1 episodes differs") && $0.contains("(episode 0)") })
        #expect(try dataset.pictures() == pictures)
        #expect(try dataset.videoNotes(camera: dataset.cameras[0]).isEmpty)
    }

    @Test("times of other frames are told where the video has a frame for each row, else refused")
    func otherFrames() throws {
        let copy = try CaseCopy(Self.video)
        try copy.rewrite(CaseCopy.data) { table in
            // Rows of moments without motion were taken out, and counted anew.
            table["timestamp"] = table["timestamp"].enumerated().map { row, time in
                if case .float(let time) = time, row % 8 > 4 { .float(time + 0.3) } else { time }
            }
        }
        let whole = try copy.open()
        #expect(whole.notes.contains { $0.contains("timestamp of 2 episodes differs") })
        _ = try whole.videoNotes(camera: whole.cameras[0])

        // The second episode is gone, and its frames are left in the video.
        try copy.rewrite(CaseCopy.data) { $0.take(Array(0..<8)) }
        try copy.rewrite(CaseCopy.episodes) { $0.take([0]) }
        try copy.edit("meta/info.json", "\"total_episodes\": 2", "\"total_episodes\": 1")
        try copy.edit("meta/info.json", "\"total_frames\": 16", "\"total_frames\": 8")
        let longer = try copy.open()
        for policy in BadSampleOption.allCases {
            let error = try #require(throws: DataError.self) {
                try longer.videoNotes(camera: longer.cameras[0], onBadSample: policy)
            }
            #expect("\(error)".contains("timestamp and frame_index contradict each other"), "\(error)")
        }
        #expect(throws: DataError.self) { try DatasetReport(dataset: longer, cameras: longer.cameras) }
    }

    @Test("a frame_index that does not begin at 0 gives the order, with a note")
    func laterStart() throws {
        let copy = try CaseCopy(Self.video)
        let pictures = try copy.open().pictures()
        try copy.rewrite(CaseCopy.data) { $0.setIntegers("frame_index", Array(1...8) + Array(5..<13)) }
        let dataset = try copy.open()
        #expect(dataset.notes.contains { $0.contains("frame_index of 2 episodes (first: 0) does not begin at 0") })
        #expect(try dataset.pictures() == pictures)
    }

    @Test("without a frame_index, rows in another order are taken in the order of their times")
    func orderedByTime() throws {
        let copy = try CaseCopy(Self.video)
        try copy.rewrite(CaseCopy.data) { $0.remove("frame_index") }
        let pictures = try copy.open().pictures()
        let rows = try copy.open().episodes.map(\.rows)
        try copy.rewrite(CaseCopy.data) { $0.take(Array((0..<16).reversed())) }
        let dataset = try copy.open()
        #expect(try dataset.pictures() == pictures)
        #expect(dataset.episodes.map(\.rows) != rows, "the rows lie elsewhere now")
        #expect(!dataset.notes.contains { $0.contains("timestamp of") }, "\(dataset.notes)")
    }

    @Test("a column of times that is no number of seconds is not looked at")
    func otherTypes() throws {
        let copy = try CaseCopy(Self.video)
        try copy.rewrite(CaseCopy.data) { $0.setIntegers("timestamp", Array(0..<16)) }
        #expect(try copy.open().notes.isEmpty)
        try copy.rewrite(CaseCopy.data) { $0.remove("timestamp") }
        #expect(try copy.open().notes.isEmpty)
    }
}
