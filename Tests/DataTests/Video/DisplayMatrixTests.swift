import Foundation
import Conversion
import LAMData
import TestSupport
import Testing

/// Videos whose container says that they are to be turned before they are shown.
@Suite("Display matrices")
struct DisplayMatrixTests {
    private static let one: Int32 = 1 << 16
    private let folder = try! TemporaryFolder()  // SAFETY: a test without a folder to write to cannot run.

    /// The case's videos with another matrix: a, b, c, d of the nine numbers.
    private func dataset(
        _ a: Int32, _ b: Int32, _ c: Int32, _ d: Int32, in episodes: Range<Int> = 0..<2
    ) throws -> LeRobotDataset {
        let root = try CaseDataset.copy("rotated", to: folder)
        for episode in episodes {
            let file = URL(
                fileURLWithPath: "\(root)/videos/chunk-000/observation.images.top/episode_00000\(episode).mp4")
            var bytes = try Data(contentsOf: file)
            let header = try #require(bytes.range(of: Data("tkhd".utf8)))
            // Version 0: flags, five numbers of 4 bytes, 8 reserved ones, layer, group, volume, 2 reserved ones.
            let place = header.upperBound + 4 + 20 + 8 + 8
            for (number, value) in [a, b, 0, c, d, 0, 0, 0, 1 << 30].enumerated() {
                withUnsafeBytes(of: value.bigEndian) {
                    bytes.replaceSubrange(place + number * 4..<place + number * 4 + 4, with: $0)
                }
            }
            try bytes.write(to: file)
        }
        return try LeRobotDataset(root: root, name: "turned")
    }

    private func frame(_ dataset: LeRobotDataset) throws -> RGBImage {
        try FrameReader(dataset: dataset, camera: dataset.camera()).frames(episode: 0, frames: [3])[0]
    }

    /// Pixel (x, y) of a picture.
    private func pixel(_ image: RGBImage, _ x: Int, _ y: Int) -> [UInt8] {
        let place = (y * image.width + x) * 3
        return Array(image.pixels[place..<place + 3])
    }

    /// What FFmpeg 5.1 shows for each matrix: whether rows and columns change places, and which are then mirrored.
    @Test(
        "are applied as FFmpeg does",
        arguments: [
            ([1, 0, 0, 1], false, false, false), ([1, 0, 0, -1], false, false, true),
            ([-1, 0, 0, 1], false, true, false),
            ([-1, 0, 0, -1], false, true, true), ([0, 1, 1, 0], true, false, false),
            ([0, 1, -1, 0], true, true, false),
            ([0, -1, 1, 0], true, false, true), ([0, -1, -1, 0], true, true, true),
        ] as [([Int32], Bool, Bool, Bool)])
    func eight(_ signs: [Int32], _ transposes: Bool, _ mirrorsColumns: Bool, _ mirrorsRows: Bool) throws {
        let stored = try frame(dataset(Self.one, 0, 0, Self.one))
        try FileManager.default.removeItem(at: folder.url("rotated"))
        let turned = try dataset(signs[0] * Self.one, signs[1] * Self.one, signs[2] * Self.one, signs[3] * Self.one)
        let shown = try frame(turned)
        #expect((shown.width, shown.height) == (transposes ? (64, 96) : (96, 64)))
        for y in stride(from: 0, to: shown.height, by: 3) {
            for x in stride(from: 0, to: shown.width, by: 3) {
                let column = mirrorsColumns ? shown.width - 1 - x : x
                let row = mirrorsRows ? shown.height - 1 - y : y
                #expect(pixel(shown, x, y) == (transposes ? pixel(stored, row, column) : pixel(stored, column, row)))
            }
        }
        let report = try DatasetReport(dataset: turned, cameras: turned.cameras)
        #expect(report.cameras[0].width == shown.width && report.cameras[0].height == shown.height)
        #expect(report.notes.isEmpty == (signs == [1, 0, 0, 1]))
    }

    @Test("of other angles are refused, not rounded")
    func oblique() throws {
        let dataset = try dataset(46341, 46341, -46341, 46341)
        let error = #expect(throws: DataError.self) { try frame(dataset) }
        let text = "\(try #require(error))"
        #expect(text.contains("display matrix turns pictures by 45") && text.contains("episode_000000.mp4"))
        #expect(throws: DataError.self) { try DatasetReport(dataset: dataset, cameras: dataset.cameras) }
    }

    @Test("with the noise of sines are quarter turns")
    func noisy() throws {
        let dataset = try dataset(-3, -Self.one, Self.one, 2)
        #expect(try frame(dataset).width == 64)
    }

    @Test("that give videos of one camera several sizes are refused by name; under skip those episodes are left out")
    func mixed() throws {
        let mixed = try dataset(Self.one, 0, 0, Self.one, in: 1..<2)
        let options = StreamOptions(datasetMix: [.init("rotated", 1)], root: folder.root.path)
        for open in [
            { _ = try StreamSource.open(options) }, { _ = try DatasetReport(dataset: mixed, cameras: mixed.cameras) },
            { [folder] in
                _ = try DatasetConversion(mixed, to: folder.path("out"), ConversionOptions()).run()
            },
        ] {
            let error = #expect(throws: DataError.self) { try open() }
            let text = "\(try #require(error))"
            #expect(text.contains("expected 64x96, turned by 90° counter-clockwise") && text.contains("got 96x64 in "))
            #expect(text.contains("episode_000001.mp4") && text.contains("episode_000000.mp4"), "\(text)")
        }
        #expect(try folder.names() == ["rotated"])
        var skipping = options
        skipping.onBadSample = .skip
        let source = try #require(try StreamSource.open(skipping).first)
        #expect(source.episodes.map(\.index) == [0])
        #expect(
            source.notes.contains { $0.contains("1 of 2 videos") && $0.contains("are left out") }, "\(source.notes)")
        #expect(source.notes.contains { $0.contains("observation.images.top: pictures are turned by 90°") })
    }

    @Test("that leave the size as it is are counted")
    func mixedTurns() throws {
        _ = try dataset(Self.one, 0, 0, Self.one, in: 0..<1)
        try FileManager.default.moveItem(at: folder.url("rotated"), to: folder.url("first"))
        _ = try dataset(-Self.one, 0, 0, -Self.one, in: 1..<2)
        let name = "videos/chunk-000/observation.images.top/episode_000000.mp4"
        try FileManager.default.removeItem(at: folder.url("rotated/\(name)"))
        try FileManager.default.copyItem(at: folder.url("first/\(name)"), to: folder.url("rotated/\(name)"))
        let dataset = try LeRobotDataset(root: folder.path("rotated"), name: "rotated")
        let report = try DatasetReport(dataset: dataset, cameras: dataset.cameras)
        let note = try #require(report.notes.first { $0.contains("turned") })
        #expect(note.contains("1 of 2 videos are turned") && note.contains("episode_000001.mp4: turned by 180°"))
        _ = try DatasetConversion(dataset, to: folder.path("out"), ConversionOptions()).run()
    }

    @Test("make sizes that agree with features.shape; other sizes are named, and pictures are taken as they are")
    func sizes() throws {
        let rotated = try CaseDataset.open("rotated")
        let report = try DatasetReport(dataset: rotated, cameras: rotated.cameras)
        #expect(report.cameras[0].width == 64 && report.cameras[0].height == 96)
        #expect(report.warnings.isEmpty && report.notes.count == 1)
        #expect(report.notes[0].contains("turned by 90° counter-clockwise"))

        let wrong = try CaseDataset.open("shape_wrong")
        let other = try DatasetReport(dataset: wrong, cameras: wrong.cameras)
        #expect(other.warnings.count == 1 && other.warnings[0].contains("640x480, pictures are 64x64"))
        let options = StreamOptions(datasetMix: [.init("shape_wrong", 1)], root: CaseDataset.path(""))
        let source = try #require(try StreamSource.open(options).first)
        #expect(source.notes.contains { $0.contains("640x480") })
    }

    @Test(
        "are undone once in conversions, whatever the target", arguments: [DatasetInfo.Version.v21, .v30],
        [false, true])
    func converted(_ version: DatasetInfo.Version, _ recodes: Bool) throws {
        let source = try CaseDataset.open("rotated")
        var options = ConversionOptions()
        (options.format, options.recodes) = (version, recodes)
        _ = try DatasetConversion(source, to: folder.path("out"), options).run()
        let copy = try LeRobotDataset(root: folder.path("out"), name: "out")
        let (a, b) = (try frame(source), try frame(copy))
        #expect(a.width == b.width && a.height == b.height)
        let error = zip(a.pixels, b.pixels).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) } / a.pixels.count
        #expect(error < 4, "mean error \(error)")
        #expect(try DatasetReport(dataset: copy, cameras: copy.cameras).warnings.isEmpty)
    }
}
