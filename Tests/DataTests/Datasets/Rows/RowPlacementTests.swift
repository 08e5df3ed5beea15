import Formats
import Foundation
import LAMData
import TestSupport
import Testing

/// Rows of an episode are those that say so. The pictures of `scr_img` lie in its rows, so a wrong row is a wrong picture.
@Suite struct RowPlacementTests {
    private static let scrambled = "cases/01-v3-rows-by-arithmetic/scr_img"
    private static let overlapping = "cases/01-v3-rows-by-arithmetic/scr_img_overlap"

    /// The pictures in the order of the rows, which is that of the episodes: six frames each.
    private func expected() throws -> Pictures {
        let copy = try CaseCopy(Self.scrambled)
        try copy.rewrite(CaseCopy.episodes) {
            $0.setIntegers("dataset_from_index", [0, 6, 12, 18])
            $0.setIntegers("dataset_to_index", [6, 12, 18, 24])
        }
        let dataset = try copy.open()
        #expect(dataset.notes.isEmpty)
        let pictures = try dataset.pictures()
        #expect(Set(pictures.flatMap { $0 }.map(\.pixels)).count == 24, "all pictures differ")
        return pictures
    }

    private func expectRight(
        _ copy: CaseCopy, note: String = "are found by their episode_index", isFoundUnchecked: Bool = true
    ) throws {
        let dataset = try copy.open()
        let pictures = try expected()
        #expect(try dataset.pictures() == pictures)
        #expect(dataset.notes.contains { $0.contains(note) }, "\(dataset.notes)")
        #expect(try DatasetVerification(dataset: dataset, cameras: dataset.cameras).frames == 24)
        // Where rows are not read on opening, they are looked up in their file.
        guard isFoundUnchecked else {
            #expect(throws: DataError.self) { try copy.open(checkDataFiles: false, readsTasks: false).pictures() }
            return
        }
        #expect(try copy.open(checkDataFiles: false).pictures() == pictures)
    }

    @Test("places of other episodes, and ranges that overlap, are not believed", arguments: [scrambled, overlapping])
    func scrambledRanges(path: String) throws { try expectRight(CaseCopy(path)) }

    @Test("rows in another order than the episodes are read right")
    func shuffledEpisodes() throws {
        let copy = try CaseCopy(Self.scrambled)
        try copy.rewrite(CaseCopy.data) { $0.take(Array(12..<24) + Array(0..<12)) }
        try expectRight(copy)
    }

    @Test("rows of several episodes in turn, and backwards, are read right")
    func interleaved() throws {
        for order in [(0..<24).map { $0 % 4 * 6 + $0 / 4 }, Array((0..<24).reversed())] {
            let copy = try CaseCopy(Self.scrambled)
            try copy.rewrite(CaseCopy.data) { $0.take(order) }
            try expectRight(copy)
        }
    }

    @Test("two rows in the middle of an episode that changed places are read in the order of frame_index")
    func swappedRows() throws {
        let copy = try CaseCopy(Self.scrambled)
        try copy.rewrite(CaseCopy.data) {
            var rows = Array(0..<24)
            rows.swapAt(8, 9)
            $0.take(rows)
        }
        try expectRight(copy)
    }

    @Test("an episode whose rows lie in two files, and in one that meta does not name, is read right")
    func severalFiles() throws {
        let copy = try CaseCopy(Self.scrambled)
        try copy.rewrite(CaseCopy.data, as: "data/chunk-000/file-001.parquet") { $0.take(Array(9..<24)) }
        try copy.rewrite(CaseCopy.data) { $0.take(Array(0..<9)) }
        try expectRight(copy, note: "of 3 of them in another data file", isFoundUnchecked: false)
    }

    @Test("without data/chunk_index and file_index the rows are found, in any file")
    func withoutFileNumbers() throws {
        let copy = try CaseCopy(Self.scrambled)
        try copy.rewrite(CaseCopy.data, as: "data/chunk-000/file-001.parquet") { $0.take(Array(12..<24)) }
        try copy.rewrite(CaseCopy.data) { $0.take(Array(0..<12)) }
        try copy.rewrite(CaseCopy.episodes) { table in
            for column in [
                "data/chunk_index", "data/file_index", "dataset_from_index", "dataset_to_index", "tasks",
            ] { table.remove(column) }
        }
        try expectRight(copy)
    }

    @Test("the converter's fault at the boundary of two files is read right, and told")
    func boundary() throws {
        let copy = try CaseCopy("cases/09-converter-boundary/conv_boundary")
        let dataset = try copy.open()
        #expect(dataset.notes.contains { $0.contains("of 1 of them in another data file") }, "\(dataset.notes)")
        #expect(dataset.episodes.map(\.dataFile.file) == [0, 0, 1, 1])
        // Of a dataset on a hub rows are looked for when they are needed.
        let unchecked = try copy.open(checkDataFiles: false)
        for episode in unchecked.episodes { #expect(try unchecked.values(of: "action", in: episode)?.count == 6) }
        #expect(try dataset.values(of: "action", in: dataset.episodes[2])?.count == 6)
        let verification = try DatasetVerification(dataset: dataset, cameras: dataset.cameras)
        #expect(verification.frames == 24 && verification.warnings.isEmpty)
    }

    @Test("index columns may be floats, if they are whole numbers; frame_index may be missing")
    func numberTypes() throws {
        let copy = try CaseCopy(Self.scrambled)
        try copy.rewrite(CaseCopy.data) { table in
            for column in ["episode_index", "frame_index", "task_index"] {
                table.set(
                    column, .double,
                    table[column].map { if case .int(let value) = $0 { .double(Double(value)) } else { .null } })
            }
        }
        try expectRight(copy)
        try copy.rewrite(CaseCopy.data) { $0.remove("frame_index") }
        try expectRight(copy)
        try copy.rewrite(CaseCopy.data) { $0["episode_index"][7] = .double(0.5) }
        #expect("\(try #require(throws: DataError.self) { try copy.open() })".contains("episode_index of row 7"))
        try copy.rewrite(CaseCopy.data) { $0["episode_index"][7] = .null }
        #expect("\(try #require(throws: DataError.self) { try copy.open() })".contains("got null"))
    }

    @Test("frames that are there twice, or not at all, are refused on opening")
    func contradictions() throws {
        let changes: [(change: ([Int]) -> [Int], words: String)] = [
            // The frame 3 of episode 1 twice, and none of its frame 4.
            ({ $0.enumerated().map { $0.offset == 10 ? 9 : $0.element } }, "frame_index of row"),
            // A row of episode 1 less.
            ({ $0.filter { $0 != 10 } }, "episode 1: meta/episodes says 6 frames"),
            // A row of episode 2 more.
            ({ $0 + [12] }, "episode 2: meta/episodes says 6 frames"),
        ]
        for (change, words) in changes {
            let copy = try CaseCopy(Self.scrambled)
            try copy.rewrite(CaseCopy.data) { $0.take(change(Array(0..<24))) }
            let error = try #require(throws: DataError.self) { try copy.open() }
            #expect("\(error)".contains(words), "\(error)")
            #expect(throws: (any Error).self) { try copy.open(checkDataFiles: false).pictures() }
        }
    }

    @Test("rows of an episode that meta does not list are left out, with a note")
    func unlisted() throws {
        let copy = try CaseCopy(Self.scrambled)
        try copy.rewrite(CaseCopy.episodes) { $0.take([0, 1, 3]) }
        try copy.edit("meta/info.json", "\"total_episodes\": 4", "\"total_episodes\": 3")
        try copy.edit("meta/info.json", "\"total_frames\": 24", "\"total_frames\": 18")
        let dataset = try copy.open()
        let all = try expected()
        #expect(try dataset.pictures() == [all[0], all[1], all[3]])
        #expect(dataset.notes.contains { $0.contains("1 episodes (first: 2) that meta does not list") })
    }

    @Test("a global index with gaps, or one that begins anew, is told by --verify and means nothing")
    func globalIndex() throws {
        let gaps = try CaseCopy.original("cases/15-verify-against-index/gap_lines")
        let verification = try DatasetVerification(dataset: gaps, cameras: gaps.cameras)
        #expect(verification.frames == 16 && verification.warnings.count == 1)
        #expect(verification.warnings[0].contains("global index of 1 episodes"))

        let copy = try CaseCopy(Self.scrambled)
        try copy.rewrite(CaseCopy.data) { $0.setIntegers("index", Array(0..<12) + Array(0..<12)) }
        try expectRight(copy)
    }

    @Test("v2.1: rows in the file of another episode are found; rows of no episode are refused")
    func version2() throws {
        let copy = try CaseCopy("cases/15-verify-against-index/gap_lines")
        let file = { (number: Int) in "data/chunk-000/episode_00000\(number).parquet" }
        let before = try copy.open()
        let actions = try before.episodes.map { try before.values(of: "action", in: $0) }
        try FileManager.default.moveItem(atPath: copy.path(file(0)), toPath: copy.path("moved"))
        try FileManager.default.moveItem(atPath: copy.path(file(2)), toPath: copy.path(file(0)))
        try FileManager.default.moveItem(atPath: copy.path("moved"), toPath: copy.path(file(2)))
        let swapped = try copy.open()
        #expect(try swapped.episodes.map { try swapped.values(of: "action", in: $0) } == actions)
        #expect(swapped.notes.contains { $0.contains("are found by their episode_index") })

        // All files say that they are episode 0.
        try copy.rewrite(file(0)) { $0.setIntegers("episode_index", Array(repeating: 0, count: 8)) }
        let error = try #require(throws: DataError.self) { try copy.open() }
        #expect("\(error)".contains("episode_index") || "\(error)".contains("has 0 rows"), "\(error)")
    }
}
