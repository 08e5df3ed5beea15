import Foundation
import Formats
import LAMData
import TestSupport
import Testing

@Suite("Episodes of plain videos")
struct PlainEpisodeTests {
    private func write(_ text: String, to path: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    @Test("are the rows of segments.csv, with times in seconds and texts in quotes")
    func segments() throws {
        let folder = try TemporaryFolder()
        try Film().write(folder.path("v/in/a.mp4"), frames: 60)
        try Film().write(folder.path("v/b.mp4"), frames: 30)
        let table = folder.path("v/segments.csv")
        try write(
            "\u{FEFF}file,start,end,text\r\nin/a.mp4,0.5,1.0,\"pour, then say \"\"done\"\"\"\r\nin/a.mp4,0:01.5,,\r\n",
            to: table)
        let dataset = try PlainVideoDataset(path: folder.path("v"), name: "v")
        #expect((0..<dataset.episodeCount).map { dataset.episode($0).length } == [30, 15, 15])
        #expect(try numbers(dataset, episode: 1) == Array(15..<30))
        #expect(try numbers(dataset, episode: 2) == Array(45..<60))
        #expect(dataset.episode(1).tasks == ["pour, then say \"done\""])
        #expect(dataset.episode(2).tasks.isEmpty)
        #expect(dataset.notes.contains { $0.contains("1 of 2 videos are not in segments.csv") })

        for (text, line) in [
            ("file,start,end\nc.mp4,0,1\n", 2), ("file,start,end\nb.mp4,0,9\n", 2),
            ("file,start,end\nb.mp4,1,0.5\n", 2),
            ("file,start\nb.mp4,0\n", 1), ("file,start,end\n\nb.mp4,x,1\n", 3), ("file,start,end\nb.mp4,0,1,2\n", 2),
        ] {
            try write(text, to: table)
            #expect {
                _ = try PlainVideoDataset(path: folder.path("v"), name: "v")
            } throws: { error in
                guard case DataError.segments(_, let found, _, _) = error else { return false }
                return found == line
            }
        }
    }

    @Test("have the text beside the video, as text or JSON")
    func sidecars() throws {
        let folder = try TemporaryFolder()
        for name in ["a", "b", "c", "d"] { try Film().write(folder.path("v/\(name).mp4"), frames: 3) }
        try write("  open the\n drawer \n", to: folder.path("v/a.txt"))
        try write(#"{"id": 7, "caption": "close it"}"#, to: folder.path("v/b.json"))
        try write(#"{"id": 7}"#, to: folder.path("v/c.json"))
        let dataset = try PlainVideoDataset(path: folder.path("v"), name: "v")
        #expect((0..<4).map { dataset.episode($0).tasks } == [["open the drawer"], ["close it"], [], []])
        #expect(dataset.notes.contains { $0.contains("c.json has no instruction") })
        try Data([0x61, 0xFF]).write(to: URL(fileURLWithPath: folder.path("v/d.txt")))
        #expect(throws: DataError.self) { _ = try PlainVideoDataset(path: folder.path("v"), name: "v") }
    }

    @Test("are shots, if asked for")
    func cuts() throws {
        let folder = try TemporaryFolder()
        // Numbers up to 255: bars change from frame to frame only in the middle of a byte's bits.
        try Shots.write([12, 20, 9], to: folder.path("v/a.mp4"))
        let whole = try PlainVideoDataset(path: folder.path("v"), name: "v")
        #expect(whole.episodeCount == 1)
        let shots = try PlainVideoDataset(path: folder.path("v"), name: "v", splitsAtCuts: true)
        #expect((0..<shots.episodeCount).map { shots.episode($0).length } == [12, 20, 9])
        #expect(shots.selection != whole.selection)
        try Shots.write([41], to: folder.path("still/a.mp4"))
        #expect(try PlainVideoDataset(path: folder.path("still"), name: "v", splitsAtCuts: true).episodeCount == 1)
    }

    private func picture(_ value: UInt8, width: Int = 32) throws -> [UInt8] {
        try PNGImage(width: width, height: 16, pixels: [UInt8](repeating: value, count: width * 16 * 3)).encoded()
    }

    @Test("are folders of numbered pictures, in the order of their numbers, at the rate that is given")
    func pictures() throws {
        let folder = try TemporaryFolder()
        let clip = folder.path("v/clip")
        try FileManager.default.createDirectory(atPath: clip, withIntermediateDirectories: true)
        for number in 8...11 {
            try Data(try picture(UInt8(number))).write(to: URL(fileURLWithPath: "\(clip)/f\(number).png"))
        }
        #expect(throws: DataError.unknownClipRate(dataset: "v", path: clip)) {
            _ = try PlainVideoDataset(path: folder.path("v"), name: "v")
        }
        try write("wipe", to: folder.path("v/clip.txt"))
        let dataset = try PlainVideoDataset(path: folder.path("v"), name: "v", fps: 5)
        let reader = try dataset.frames(of: dataset.camera(), from: SharedReaders())
        #expect(try reader.frames(episode: 0, frames: [0, 1, 2, 3]).map { $0.pixels[0] } == [8, 9, 10, 11])
        #expect(dataset.episode(0).tasks == ["wipe"])
        // A lost picture, a second sequence, another size.
        try FileManager.default.removeItem(atPath: "\(clip)/f9.png")
        #expect(throws: DataError.self) { _ = try PlainVideoDataset(path: folder.path("v"), name: "v", fps: 5) }
        try Data(try picture(9, width: 16)).write(to: URL(fileURLWithPath: "\(clip)/f9.png"))
        let odd = try PlainVideoDataset(path: folder.path("v"), name: "v", fps: 5)
        #expect(throws: DataError.self) {
            _ = try odd.frames(of: odd.camera(), from: SharedReaders()).frames(episode: 0, frames: [1])
        }
        try Data(try picture(1)).write(to: URL(fileURLWithPath: "\(clip)/depth1.png"))
        #expect(throws: DataError.self) { _ = try PlainVideoDataset(path: folder.path("v"), name: "v", fps: 5) }
    }

    @Test("that share frames are told")
    func overlaps() throws {
        let folder = try TemporaryFolder()
        try Film().write(folder.path("v/a.mp4"), frames: 60)
        let table = folder.path("v/segments.csv")
        for (rows, isTold) in [
            ("a.mp4,0,1\na.mp4,1,2\n", false), ("a.mp4,1,\na.mp4,0,1\n", false), ("a.mp4,0,1.5\na.mp4,1,2\n", true),
            ("a.mp4,0,\na.mp4,1,2\n", true), ("a.mp4,0,1\na.mp4,0,1\n", true),
        ] {
            try write("file,start,end\n" + rows, to: table)
            let notes = try PlainVideoDataset(path: folder.path("v"), name: "v").notes
            #expect(notes.contains { $0.contains("overlap") } == isTold, "\(rows): \(notes)")
        }
    }
}
