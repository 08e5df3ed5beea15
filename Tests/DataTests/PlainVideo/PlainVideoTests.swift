import Conversion
import Foundation
import LAMData
import TestSupport
import Testing

/// Numbers that an episode's pictures bear, read in an order that makes the decoder jump.
func numbers(_ dataset: PlainVideoDataset, episode: Int = 0) throws -> [Int] {
    let reader = try dataset.frames(of: dataset.camera(), from: SharedReaders())
    var random = SplitMix(state: 11)
    let order = Array(0..<dataset.episode(episode).length).shuffled(using: &random)
    var numbers: [Int: Int] = [:]
    for frame in order {
        numbers[frame] = Film.number(on: try reader.frames(episode: episode, frames: [frame])[0])
    }
    return order.sorted().map { numbers[$0] ?? -1 }
}

@Suite("Plain videos")
struct PlainVideoTests {
    static let films: [(name: String, film: Film)] = [
        ("x264.mp4", Film(bFrames: 3)),
        ("x264.mov", Film(bFrames: 2, options: ["preset": "veryslow"])),
        ("x264.mkv", Film(bFrames: 3)),
        ("x264.avi", Film(bFrames: 2)),
        ("open.mkv", Film(framesPerKeyframe: 8, bFrames: 3, options: ["x264-params": "open-gop=1:bframes=3"])),
        ("open.mp4", Film(framesPerKeyframe: 8, bFrames: 3, options: ["x264-params": "open-gop=1:bframes=3"])),
        ("fields.mp4", Film(bFrames: 2, options: ["x264-params": "interlaced=1"], isInterlaced: true)),
        ("x265.mkv", Film(codec: "libx265", bFrames: 3, options: ["x265-params": "log-level=none"])),
        ("odd.mp4", Film(pixelFormat: "yuv444p", width: 63, height: 47, bFrames: 2)),
        ("mpeg4.avi", Film(codec: "mpeg4", bFrames: 2)),
        ("mpeg4.mkv", Film(codec: "mpeg4", bFrames: 2)),
        ("mpeg2.mkv", Film(codec: "mpeg2video", bFrames: 2)),
        ("mpeg2.avi", Film(codec: "mpeg2video", bFrames: 2)),
        ("divx3.avi", Film(codec: "msmpeg4")),
        ("mjpeg.avi", Film(codec: "mjpeg", pixelFormat: "yuvj420p")),
        ("mjpeg.mov", Film(codec: "mjpeg", pixelFormat: "yuvj420p")),
        ("huffyuv.avi", Film(codec: "huffyuv", pixelFormat: "yuv422p")),
        ("raw.avi", Film(codec: "rawvideo", pixelFormat: "bgr24")),
        ("prores.mov", Film(codec: "prores_ks", pixelFormat: "yuv422p10le")),
        ("animation.mov", Film(codec: "qtrle", pixelFormat: "rgb24")),
        ("ffv1.mkv", Film(codec: "ffv1")),
        ("vp8.webm", Film(codec: "libvpx", options: ["auto-alt-ref": "1", "lag-in-frames": "12"])),
        ("vp9.webm", Film(codec: "libvpx-vp9", options: ["auto-alt-ref": "1", "lag-in-frames": "12"])),
        ("av1.mkv", Film(codec: "libaom-av1", options: ["cpu-used": "8", "lag-in-frames": "8"])),
    ]

    @Test(
        "of any container and codec have their frames in order, as many as a decode from front to back gives",
        arguments: films)
    func frames(name: String, film: Film) throws {
        let folder = try TemporaryFolder()
        let path = try film.write(folder.path("videos/\(name)"), frames: 40)
        let expected = try Film.numbers(in: path)
        try #require(expected.count == 40)
        let dataset = try PlainVideoDataset(path: folder.path("videos"), name: "videos")
        #expect(dataset.fps == 30)
        #expect(dataset.episodeCount == 1)
        #expect(try numbers(dataset) == expected)
        // Of an old codec the bars are not all that sharp.
        if film.codec != "msmpeg4" { #expect(expected == Array(0..<40)) }
        #expect(dataset.notes.isEmpty)
    }

    @Test("are found however deep, in natural order, and not where names begin with a dot")
    func nested() throws {
        let folder = try TemporaryFolder()
        for (name, first) in [
            ("b/clip10.mp4", 10), ("b/clip2.MP4", 20), ("a/deep/er/x.mkv", 30), ("b/.hidden.mp4", 40),
        ] {
            var film = Film()
            film.first = first
            let written = try film.write(
                folder.path("v/tmp.\(name.split(separator: ".").last!.lowercased())"), frames: 5)
            try FileManager.default.createDirectory(
                atPath: URL(fileURLWithPath: folder.path("v/\(name)")).deletingLastPathComponent().path,
                withIntermediateDirectories: true)
            try FileManager.default.moveItem(atPath: written, toPath: folder.path("v/\(name)"))
        }
        let dataset = try #require(
            try DatasetFormat.at(folder.path("v"))?.open(folder.path("v"), .init(name: "v")) as? PlainVideoDataset)
        #expect(try (0..<dataset.episodeCount).map { try numbers(dataset, episode: $0)[0] } == [30, 20, 10])
    }

    @Test("are upright as their display matrices say")
    func rotated() throws {
        let folder = try TemporaryFolder()
        try Film(turn: 90).write(folder.path("v/a.mp4"), frames: 3)
        let dataset = try PlainVideoDataset(path: folder.path("v"), name: "v")
        let image = try dataset.frames(of: dataset.camera(), from: SharedReaders()).frames(episode: 0, frames: [1])[0]
        #expect((image.width, image.height) == (48, 64))
        // Turned clockwise, the bar at the left, the lowest bit, is at the top.
        #expect(image.pixels[24 * 3] > 200)
        #expect(image.pixels[(60 * 48 + 24) * 3] < 50)
    }

    @Test("are no dataset where one with a description of its own lies among them, or has lost it")
    func others() throws {
        let folder = try TemporaryFolder()
        try Film().write(folder.path("v/a.mp4"), frames: 3)
        try Film().write(folder.path("v/set/videos/chunk-000/a.mp4"), frames: 3)
        try FileManager.default.createDirectory(
            atPath: folder.path("v/set/data/chunk-000"), withIntermediateDirectories: true)
        #expect(throws: DataError.datasetAmongClips(dataset: "v", found: folder.path("v/set"))) {
            _ = try PlainVideoDataset(path: folder.path("v"), name: "v")
        }
        #expect(DatasetFormat.at(folder.path("v/set")) == nil)
    }

    @Test("with other rates than the dataset's give the picture on the screen at each time")
    func rates() throws {
        let folder = try TemporaryFolder()
        try Film().write(folder.path("v/a.mp4"), frames: 60)
        let tenth = try PlainVideoDataset(path: folder.path("v"), name: "v", fps: 10)
        #expect(try numbers(tenth) == Array(stride(from: 0, to: 60, by: 3)))
        // 0.5 s of frames every 40 ms, one that stands for a second, then frames every 20 ms.
        let times: [Int64] = [0, 40, 80, 120, 160, 200, 1200, 1220, 1240, 1260, 1280, 1300]
        try Film(milliseconds: times).write(folder.path("w/a.mkv"), frames: 12)
        let varied = try PlainVideoDataset(path: folder.path("w"), name: "w", fps: 10)
        #expect(try numbers(varied) == [0, 2, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 6, 11])
        #expect(varied.notes.count == 1)
        #expect(varied.notes[0].contains("variable rate"))
    }

    @Test("that are cut off or damaged are told before a run, or left out; no frame is another's")
    func damaged() throws {
        let folder = try TemporaryFolder()
        for (name, film) in [
            ("a.mp4", Film(bFrames: 2)), ("a.mkv", Film(bFrames: 2)), ("a.avi", Film(codec: "mpeg4", bFrames: 2)),
            ("b.avi", Film(codec: "mjpeg", pixelFormat: "yuvj420p")), ("a.webm", Film(codec: "libvpx")),
        ] {
            let path = try film.write(folder.path("whole/\(name)"), frames: 40)
            let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            var random = SplitMix(state: 5)
            for kind in 0..<24 {
                var odd = bytes
                if kind % 2 == 0 {
                    odd = odd.prefix(Int.random(in: 1..<bytes.count, using: &random))
                } else {
                    for _ in 0..<kind { odd[Int.random(in: 200..<bytes.count, using: &random)] ^= 0x5A }
                }
                let place = folder.path("odd\(kind)/\(name)")
                try FileManager.default.createDirectory(
                    atPath: folder.path("odd\(kind)"), withIntermediateDirectories: true)
                try odd.write(to: URL(fileURLWithPath: place))
                guard let dataset = try? PlainVideoDataset(path: place, name: "odd", fps: 30),
                    (try? dataset.prepared(for: dataset.cameras, onBadSample: .fail)) != nil
                else { continue }
                let reader = try dataset.frames(of: dataset.camera(), from: SharedReaders())
                for frame in 0..<dataset.episode(0).length {
                    // A flipped bit inside of a picture may only blur it, but then every decoder shows it so.
                    guard kind % 2 == 0, let images = try? reader.frames(episode: 0, frames: [frame]) else { continue }
                    #expect(Film.number(on: images[0]) == frame, "\(name), \(kind), frame \(frame)")
                }
            }
        }
    }

    @Test("with one that cannot be read fail, or go on without it and say so")
    func policy() throws {
        let folder = try TemporaryFolder()
        try Film().write(folder.path("v/a.mp4"), frames: 30)
        try Data("no video at all".utf8).write(to: URL(fileURLWithPath: folder.path("v/b.mp4")))
        let dataset = try PlainVideoDataset(path: folder.path("v"), name: "v")
        #expect(dataset.episodeCount == 1)
        #expect(throws: DataError.self) { _ = try dataset.prepared(for: dataset.cameras, onBadSample: .fail) }
        #expect(throws: DataError.self) { _ = try DatasetReport(dataset: dataset, cameras: dataset.cameras) }
        #expect(throws: DataError.self) { try dataset.requirePictures(of: dataset.camera()) }
        let notes = try dataset.prepared(for: dataset.cameras, onBadSample: .skip).notes[0]
        #expect(notes.count == 1 && notes[0].contains("1 of 2 videos"))
    }

    @Test("become a LeRobot dataset with their texts and frames")
    func converted() throws {
        let folder = try TemporaryFolder()
        try Film(bFrames: 2).write(folder.path("v/a.mkv"), frames: 30)
        var second = Film(codec: "mpeg4", bFrames: 2)
        second.first = 100
        try second.write(folder.path("v/b.avi"), frames: 20)
        try Data("stack the cups\n".utf8).write(to: URL(fileURLWithPath: folder.path("v/a.txt")))
        let source = try PlainVideoDataset(path: folder.path("v"), name: "v")
        for version in [DatasetInfo.Version.v21, .v30] {
            var options = ConversionOptions()
            options.format = version
            _ = try DatasetConversion(source, to: folder.path("out\(version.rawValue)"), options).run()
            let made = try LeRobotDataset(root: folder.path("out\(version.rawValue)"), name: "v")
            #expect(made.episodes.map(\.length) == [30, 20])
            #expect(made.episodes[0].tasks == ["stack the cups"])
            let reader = try FrameReader(dataset: made, camera: made.camera())
            let shown = try reader.frames(episode: 1, frames: Array(0..<20)).map { Film.number(on: $0) }
            #expect(shown == Array(100..<120))
        }
    }

    @Test("give pairs to a training, so many seconds apart")
    func pairs() throws {
        let folder = try TemporaryFolder()
        try Film(bFrames: 2).write(folder.path("mix/kitchen/a.mp4"), frames: 40)
        var options = StreamOptions(datasetMix: [.init("kitchen", 1)], root: folder.path("mix"))
        options.windowSeconds = [.init(pattern: "kitchen", seconds: 0.2)]
        (options.batchSize, options.resolution, options.imageAug) = (16, 32, false)
        let batch = try #require(try FramePairStream(options).next())
        #expect(batch.samples.allSatisfy { $0.target - $0.frame == 6 && $0.task.isEmpty })
        options.windowSeconds = []
        options.window = .fixed(41)
        #expect(throws: StreamError.self) { _ = try FramePairStream(options) }
    }
}
