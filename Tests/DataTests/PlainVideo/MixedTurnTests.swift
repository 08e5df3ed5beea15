import LAMData
import TestSupport
import Testing

@Suite("Plain videos of which some are turned")
struct MixedTurnTests {
    private func notes(_ films: [(String, Film)]) throws -> [LookNote] {
        let folder = try TemporaryFolder()
        for (name, film) in films { try film.write(folder.path("v/\(name)"), frames: 3) }
        let dataset = try PlainVideoDataset(path: folder.path("v"), name: "v")
        let report = try DatasetReport(dataset: dataset, cameras: dataset.cameras)
        let notes = try dataset.notes(on: dataset.camera(), flip: nil, order: nil)
        // A report says what a run says.
        #expect(report.warnings.count == notes.count { $0.isWarning })
        return notes
    }

    @Test("are said to be, and a warning says where sizes then differ")
    func told() throws {
        #expect(try notes([("a.mp4", Film()), ("b.mp4", Film())]).isEmpty)
        let all = try notes([("a.mp4", Film(turn: 90)), ("b.mp4", Film(turn: 90))])
        #expect(all.count == 1 && !all[0].isWarning && all[0].text.contains("2 of 2 videos"), "\(all)")
        let some = try notes([("a.mp4", Film(turn: 90)), ("b.mp4", Film()), ("c.mp4", Film())])
        #expect(some.count == 1 && some[0].isWarning, "\(some)")
        #expect(some[0].text.contains("a.mp4") && some[0].text.contains("2 others") && some[0].text.contains("64x48"))
        // Upside down or not, both are as wide as they are high.
        let half = try notes([("a.mp4", Film(turn: 180)), ("b.mp4", Film())])
        #expect(half.count == 1 && !half[0].isWarning)
    }
}
