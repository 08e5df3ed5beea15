import Foundation
import LAMData
import TestSupport
import Testing

/// File names that are not UTF-8, which Foundation passes over without a word.
@Suite("File names that are not UTF-8")
struct ForeignNameTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Gives a file the name `caf\xE9` with an ending, as Latin-1 writes it.
    private func rename(_ name: String, ending: String) throws {
        let place = URL(fileURLWithPath: folder.path(name)).deletingLastPathComponent().path
        let new = Array("\(place)/caf".utf8) + [0xE9] + Array(ending.utf8) + [0]
        let code = new.withUnsafeBytes { rename(folder.path(name), $0.bindMemory(to: CChar.self).baseAddress!) }
        try #require(code == 0)
    }

    private func rename(_ old: String, _ new: UnsafePointer<CChar>) -> Int32 { Foundation.rename(old, new) }

    @Test("of videos are told before a run, or left out and told", arguments: ["caf.mp4", "sub/x.mkv"])
    func videos(name: String) throws {
        try Film().write(folder.path("v/a.mp4"), frames: 5)
        try Film().write(folder.path("v/\(name)"), frames: 5)
        try rename("v/\(name)", ending: "." + name.suffix(3))
        let dataset = try PlainVideoDataset(path: folder.path("v"), name: "v")
        #expect(dataset.episodeCount == 1)
        let error = try #require(throws: DataError.self) {
            _ = try dataset.prepared(for: dataset.cameras, onBadSample: .fail)
        }
        #expect("\(error)".contains("caf\\xE9.") && "\(error)".contains("not UTF-8"), "\(error)")
        let notes = try dataset.prepared(for: dataset.cameras, onBadSample: .skip).notes[0]
        #expect(notes.count == 1 && notes[0].contains("1 of 2 videos"), "\(notes)")
    }

    @Test("of the only video in a folder are why it cannot be opened")
    func only() throws {
        try Film().write(folder.path("v/a.mp4"), frames: 5)
        try rename("v/a.mp4", ending: ".mp4")
        let format = try #require(DatasetFormat.at(folder.path("v")))
        let error = try #require(throws: DataError.self) { _ = try format.open(folder.path("v"), .init(name: "v")) }
        #expect("\(error)".contains("not UTF-8"))
    }

    @Test("of folders are told, of other files they mean nothing")
    func others() throws {
        try Film().write(folder.path("v/a.mp4"), frames: 5)
        try Data("x".utf8).write(to: URL(fileURLWithPath: folder.path("v/x")))
        try rename("v/x", ending: ".txt")
        let dataset = try PlainVideoDataset(path: folder.path("v"), name: "v")
        #expect(try dataset.prepared(for: dataset.cameras, onBadSample: .fail).notes[0].isEmpty)
        try Film().write(folder.path("v/sub/b.mp4"), frames: 5)
        try rename("v/sub", ending: "")
        let other = try PlainVideoDataset(path: folder.path("v"), name: "v")
        #expect(throws: DataError.self) { _ = try other.prepared(for: other.cameras, onBadSample: .fail) }
    }

    @Test("of HDF5 files are an error, too")
    func hdf5() throws {
        let source = Goldens.url("hdf5").path
        let files = try FileManager.default.subpathsOfDirectory(atPath: source).filter { $0.hasSuffix(".hdf5") }
            .sorted()
        let file = try #require(files.first)
        try FileManager.default.createDirectory(atPath: folder.path("h"), withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: "\(source)/\(file)", toPath: folder.path("h/a.hdf5"))
        try rename("h/a.hdf5", ending: ".hdf5")
        let error = try #require(throws: DataError.self) {
            _ = try HDF5Dataset(path: folder.path("h"), name: "h")
        }
        #expect("\(error)".contains("not UTF-8"), "\(error)")
    }
}
