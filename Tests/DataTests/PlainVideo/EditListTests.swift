import Foundation
import LAMData
import TestSupport
import Testing

@Suite("Edit lists")
struct EditListTests {
    private static let films: [(name: String, film: Film)] = [
        ("B-frames", Film(bFrames: 3)), ("no B-frames", Film()),
        ("open groups", Film(framesPerKeyframe: 8, bFrames: 3, options: ["x264-params": "open-gop=1:bframes=3"])),
        ("HEVC", Film(codec: "libx265", bFrames: 3, options: ["x265-params": "log-level=none"])),
    ]

    /// Lists over 40 frames of 1/30 s.
    ///
    /// - Parameters:
    ///   - first: media time of frame 0.
    ///   - frame: ticks of the track's clock.
    private static func lists(first: Int32, frame: Int32) -> [(name: String, list: EditList)] {
        func part(_ start: Int32, _ count: Int, rate: UInt16 = 1) -> EditList.Entry {
            .init(duration: UInt32((Double(count) * 1000 / 30).rounded()), mediaTime: first + start * frame, rate: rate)
        }
        let half = EditList.Entry(duration: 1333, mediaTime: first + frame / 2)
        return [
            ("the beginning is cut off", .init(entries: [part(10, 30)])),
            ("the beginning is cut off at a keyframe", .init(entries: [part(12, 28)])),
            ("half a frame is cut off", .init(entries: [half])),
            ("the end is cut off", .init(entries: [part(0, 33)])),
            ("begins late", .init(entries: [.init(duration: 500, mediaTime: -1), part(0, 40)])),
            ("two parts", .init(entries: [part(5, 10), part(20, 10)])),
            ("parts in another order", .init(entries: [part(20, 10), part(5, 10)])),
            ("a part twice", .init(entries: [part(0, 10), part(0, 10)])),
            ("a delay that nothing undoes", .init(entries: [.init(duration: 1333, mediaTime: 0)])),
            ("no list", .init(entries: nil)),
            ("longer than the film", .init(entries: [part(0, 100)])),
            ("a still", .init(entries: [part(0, 5, rate: 0), part(5, 35)])),
            ("twice as fast", .init(entries: [part(0, 20, rate: 2)])),
            ("nothing", .init(entries: [part(0, 0)])),
        ]
    }

    @Test("show the frames that a decode from front to back shows, or the file is refused", arguments: films)
    func frames(name: String, film: Film) throws {
        let folder = try TemporaryFolder()
        let base = try film.write(folder.path("base.mp4"), frames: 40)
        var refused: [String] = []
        for (place, (what, list)) in Self.lists(first: try EditList.delay(of: base), frame: 512).enumerated() {
            let path = folder.path("\(place)/v.mp4")
            try list.write(from: base, to: path)
            let expected = try Film.numbers(in: path)
            do {
                let dataset = try PlainVideoDataset(path: path, name: "v", fps: 30)
                _ = try dataset.prepared(for: dataset.cameras, onBadSample: .fail)
                #expect(try numbers(dataset) == expected, "\(name): \(what)")
            } catch is DataError {
                refused.append(what)
            }
        }
        // Of several parts decoders disagree.
        let several = ["two parts", "parts in another order", "a part twice", "a still", "nothing"]
        #expect(Set(refused) == Set(several), "\(name): \(refused)")
    }

    @Test(
        "of fragmented files and of negative offsets count, too",
        arguments: ["empty_moov+frag_keyframe", "negative_cts_offsets"])
    func flags(flags: String) throws {
        let folder = try TemporaryFolder()
        var film = Film(bFrames: 3)
        film.muxer = ["movflags": "+" + flags]
        let path = try film.write(folder.path("v/a.mp4"), frames: 40)
        let dataset = try PlainVideoDataset(path: folder.path("v"), name: "v")
        #expect(try numbers(dataset) == Film.numbers(in: path))
        #expect(try numbers(dataset) == Array(0..<40))
    }
}
