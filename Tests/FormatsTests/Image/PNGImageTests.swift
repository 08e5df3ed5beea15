import Formats
import Testing

@Suite struct PNGImageTests {
    @Test("an image survives encoding and decoding", arguments: [(1, 1), (7, 3), (64, 48), (300, 200)])
    func roundTrip(width: Int, height: Int) throws {
        var state: UInt64 = 1
        let pixels = (0..<width * height * 3).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1
            return UInt8(truncatingIfNeeded: state >> 33)
        }
        let png = try PNGImage(width: width, height: height, pixels: pixels).encoded()
        #expect(png.starts(with: [0x89, 0x50, 0x4E, 0x47]))
        let decoded = try PNGImage(png: png)
        #expect(decoded.width == width && decoded.height == height && decoded.pixels == pixels)
    }

    @Test("an empty image and a damaged file are typed errors")
    func errors() throws {
        #expect(throws: FormatError.image(.size(width: 0, height: 4))) {
            try PNGImage(width: 0, height: 4, pixels: []).encoded()
        }
        let png = try PNGImage(width: 9, height: 9, pixels: [UInt8](repeating: 200, count: 243)).encoded()
        #expect(throws: FormatError.self) { try PNGImage(png: Array(png.prefix(png.count / 2))) }
        #expect(throws: FormatError.self) { try PNGImage(png: []) }
        #expect(throws: FormatError.self) { try PNGImage(png: [UInt8](repeating: 7, count: 100)) }
    }
}
