import Foundation
import LAMData
import TestSupport
import Testing

@Suite("What is kept of plain videos")
struct ClipCacheTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func open() throws -> PlainVideoDataset {
        try PlainVideoDataset(path: folder.path("v"), name: "v", cacheFolder: folder.path("cache"))
    }

    /// Files that were changed a moment ago are not kept.
    private func age(_ name: String, to date: Date = Date(timeIntervalSinceNow: -3600)) throws {
        try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: folder.path("v/\(name)"))
    }

    private func tables() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path("cache")).map { folder.path("cache/\($0)") }
    }

    @Test("gives the same dataset at the next opening, without looking at packets")
    func same() throws {
        try Film(bFrames: 3, turn: 90).write(folder.path("v/a.mp4"), frames: 40)
        try Film(milliseconds: [0, 40, 80, 500]).write(folder.path("v/b.mkv"), frames: 4)
        for name in ["a.mp4", "b.mkv"] { try age(name) }
        let first = try open()
        let table = try #require(try tables().first)
        // What the table says is believed: that is how one sees that it is asked.
        let text = try String(contentsOfFile: table, encoding: .utf8)
        #expect(text.contains("\"frames\":40"))
        let second = try open()
        #expect(first.selection == second.selection && first.fps == second.fps && first.notes == second.notes)
        #expect(try numbers(second) == numbers(first))
        try text.replacingOccurrences(of: "\"frames\":40", with: "\"frames\":39")
            .write(toFile: table, atomically: true, encoding: .utf8)
        #expect(try open().episode(0).length == 39)
    }

    @Test("is not asked about a file that has changed, or was changed a moment ago")
    func changed() throws {
        try Film().write(folder.path("v/a.mp4"), frames: 20)
        _ = try open()
        #expect(!FileManager.default.fileExists(atPath: folder.path("cache")))
        try age("a.mp4")
        _ = try open()
        let date = try #require(
            FileManager.default.attributesOfItem(atPath: folder.path("v/a.mp4"))[.modificationDate] as? Date)
        // Another film with the same time: what the disk says of the entry gives it away.
        try FileManager.default.removeItem(atPath: folder.path("v/a.mp4"))
        try Film().write(folder.path("v/a.mp4"), frames: 30)
        try age("a.mp4", to: date)
        #expect(try open().episode(0).length == 30)
    }

    @Test("is made anew where it is damaged, of another version or impossible")
    func damaged() throws {
        try Film().write(folder.path("v/a.mp4"), frames: 20)
        try age("a.mp4")
        _ = try open()
        let table = try #require(try tables().first)
        let whole = try String(contentsOfFile: table, encoding: .utf8)
        for odd in [
            "", "{", String(whole.dropLast(20)),
            whole.replacingOccurrences(of: "\"version\":\"1 ", with: "\"version\":\"0 "),
            whole.replacingOccurrences(of: "\"frames\":20", with: "\"frames\":-1"),
            whole.replacingOccurrences(of: "\"frames\":20", with: "\"frames\":9000000000000"),
            whole.replacingOccurrences(of: "\"span\":", with: "\"span\":-"),
        ] {
            try odd.write(toFile: table, atomically: true, encoding: .utf8)
            #expect(try open().episode(0).length == 20, "\(odd.prefix(60))")
        }
    }

    @Test("does no harm where it cannot be written")
    func readOnly() throws {
        try Film().write(folder.path("v/a.mp4"), frames: 20)
        try age("a.mp4")
        try Data().write(to: URL(fileURLWithPath: folder.path("cache")))
        #expect(try open().episode(0).length == 20)
    }
}
