import Formats
import LAMData
import Parquet
import TestSupport
import Testing

/// Pictures as files, in forms that LeRobot's readers take, too.
@Suite("Picture files")
struct PictureFileTests {
    private static let images = "datasets/toto_push_images_v30"

    /// The first pictures of a dataset's camera, as files.
    private func files(_ count: Int) throws -> [[UInt8]] {
        let dataset = try CaseCopy.original("datasets/image_kinds_v21")
        let table = try ParquetFile(path: dataset.root + "/data/chunk-000/episode_000000.parquet")
        return try table.values("observation.images.jpeg", rows: 0..<count).map { value in
            guard case .bytes(let bytes) = value["bytes"] else { throw EncodedImage.Failure(reason: "no bytes") }
            return bytes
        }
    }

    private func decode(_ bytes: [UInt8]) throws -> RGBImage {
        try EncodedImage.decode(bytes, converter: RGBConverter())
    }

    /// Exif data with an orientation and a field before it.
    private func exif(_ orientation: UInt8, bigEndian: Bool) -> [UInt8] {
        func short(_ value: UInt8) -> [UInt8] { bigEndian ? [0, value] : [value, 0] }
        func long(_ value: UInt8) -> [UInt8] { bigEndian ? [0, 0, 0, value] : [value, 0, 0, 0] }
        func entry(_ tag: [UInt8], _ value: UInt8) -> [UInt8] {
            [bigEndian ? tag : tag.reversed(), short(3), long(1), short(value), [0, 0]].flatMap { $0 }
        }
        let parts: [[UInt8]] = [
            Array((bigEndian ? "MM" : "II").utf8), short(42), long(8), short(2), entry([0x01, 0x00], 9),
            entry([0x01, 0x12], orientation), long(0),
        ]
        return parts.flatMap { $0 }
    }

    private func jpeg(_ file: [UInt8], _ exif: [UInt8]) -> [UInt8] {
        let content: [UInt8] = Array("Exif".utf8) + [0, 0] + exif
        let length = content.count + 2
        // Behind JFIF's segment, where there is one, as cameras and Pillow write it.
        let place = file[3] == 0xE0 ? 4 + (Int(file[4]) << 8 | Int(file[5])) : 2
        let head: [UInt8] = [0xFF, 0xE1, UInt8(length >> 8), UInt8(length & 255)]
        return [Array(file[..<place]), head, content, Array(file[place...])].flatMap { $0 }
    }

    /// The place in the stored picture of a pixel of the shown one.
    private func source(_ x: Int, _ y: Int, _ orientation: UInt8, width: Int, height: Int) -> (x: Int, y: Int) {
        switch orientation {
        case 2: (width - 1 - x, y)
        case 3: (width - 1 - x, height - 1 - y)
        case 4: (x, height - 1 - y)
        case 5: (y, x)
        case 6: (y, height - 1 - x)
        case 7: (width - 1 - y, height - 1 - x)
        case 8: (width - 1 - y, x)
        default: (x, y)
        }
    }

    @Test("are turned as their Exif data say", arguments: 1...8 as ClosedRange<UInt8>)
    func orientation(_ value: UInt8) throws {
        let file = try files(1)[0]
        let stored = try decode(file)
        for isBigEndian in [false, true] {
            let shown = try decode(jpeg(file, exif(value, bigEndian: isBigEndian)))
            #expect((shown.width == stored.width) == (value < 5) && stored.width != stored.height)
            for y in 0..<shown.height {
                for x in 0..<shown.width {
                    let from = source(x, y, value, width: stored.width, height: stored.height)
                    let (to, place) = ((y * shown.width + x) * 3, (from.y * stored.width + from.x) * 3)
                    guard shown.pixels[to..<to + 3].elementsEqual(stored.pixels[place..<place + 3]) else {
                        Issue.record("orientation \(value): pixel \(x), \(y)")
                        return
                    }
                }
            }
        }
    }

    @Test("with Exif data that are damaged or say nothing are taken as stored")
    func oddOrientation() throws {
        let file = try files(1)[0]
        let stored = try decode(file)
        let data = exif(6, bigEndian: false)
        let damaged: [[UInt8]] = [
            exif(9, bigEndian: true), exif(0, bigEndian: false), Array(data.prefix(20)), [], [0x49, 0x49, 42],
        ]
        for odd in damaged {
            #expect(try decode(jpeg(file, odd)) == stored)
        }
    }

    @Test("of PNG have Exif data in a chunk")
    func png() throws {
        let picture = RGBImage(width: 3, height: 2, pixels: (0..<18).map { UInt8($0 * 10) })
        let file = try PNGImage(width: 3, height: 2, pixels: picture.pixels).encoded()
        let content = exif(3, bigEndian: true)
        let header = 8 + 25
        let chunk: [[UInt8]] = [[0, 0, 0, UInt8(content.count)], Array("eXIf".utf8), content, [0, 0, 0, 0]]
        let parts = [Array(file[..<header])] + chunk + [Array(file[header...])]
        let turned = try decode(parts.flatMap { $0 })
        let pixels: [UInt8] = (0..<6).reversed().flatMap { Array(picture.pixels[$0 * 3..<$0 * 3 + 3]) }
        #expect(turned == RGBImage(width: 3, height: 2, pixels: pixels))
    }

    @Test("may be WebP")
    func webp() throws {
        // Four by three pixels of (60 x, 100 y, 200 - 20 x), without loss, as Pillow 12.3 writes them.
        let file: [UInt8] = [
            82, 73, 70, 70, 62, 0, 0, 0, 87, 69, 66, 80, 86, 80, 56, 76, 49, 0, 0, 0, 47, 3, 128, 0, 0, 95, 64, 144,
            109,
            51, 172, 3, 213, 223, 226, 14, 195, 35, 16, 72, 242, 39, 27, 102, 136, 249, 239, 65, 10, 176, 187, 0, 4, 1,
            36,
            74, 41, 164, 48, 220, 10, 43, 140, 26, 209, 255, 160, 46, 7, 0,
        ]
        var pixels: [UInt8] = []
        for y in 0..<3 { for x in 0..<4 { pixels += [UInt8(60 * x), UInt8(100 * y), UInt8(200 - 20 * x)] } }
        #expect(try decode(file) == RGBImage(width: 4, height: 3, pixels: pixels))
        #expect(throws: EncodedImage.Failure.self) { try decode(Array(file.prefix(30))) }
    }

    @Test("may be a column of bytes without a structure around them")
    func bareBytes() throws {
        let copy = try CaseCopy(Self.images)
        let camera = try copy.open().cameras[0].key
        try copy.rewrite(CaseCopy.data) { table in
            table.set(
                camera, .bytes,
                table[camera].map { value in if case .bytes = value["bytes"] { value["bytes"] ?? .null } else { .null }
                })
        }
        let (bare, whole) = (try copy.open(), try CaseCopy.original(Self.images))
        let frames = Array(0..<5)
        let read: (LeRobotDataset) throws -> [RGBImage] = {
            try FrameReader(dataset: $0, camera: $0.cameras[0]).frames(episode: 0, frames: frames)
        }
        #expect(try read(bare) == read(whole))
    }
}
