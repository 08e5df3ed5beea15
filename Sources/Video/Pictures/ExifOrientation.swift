import Formats

/// The orientation that a camera wrote beside a picture, as Pillow and OpenCV obey it: tag 0x0112 of the first directory of
/// Exif data, which has TIFF's structure.
///
/// Source: CIPA DC-008 (Exif 2.32) §4.6.5; JPEG keeps the data in an APP1 segment, PNG in a chunk `eXIf`, TIFF is such data.
enum ExifOrientation {
    private static let signature = Array("Exif".utf8) + [0, 0]

    /// How the stored picture is to be turned. Damaged data say nothing.
    static func turn(_ file: [UInt8]) -> PictureTurn {
        guard let data = exif(file), let value = orientation(data) else { return PictureTurn() }
        switch value {
        case 2: return PictureTurn(mirrorsColumns: true)
        case 3: return PictureTurn(mirrorsColumns: true, mirrorsRows: true)
        case 4: return PictureTurn(mirrorsRows: true)
        case 5: return PictureTurn(transposes: true)
        case 6: return PictureTurn(transposes: true, mirrorsColumns: true)
        case 7: return PictureTurn(transposes: true, mirrorsColumns: true, mirrorsRows: true)
        case 8: return PictureTurn(transposes: true, mirrorsRows: true)
        default: return PictureTurn()
        }
    }

    private static func exif(_ file: [UInt8]) -> ArraySlice<UInt8>? {
        if TIFFImage.begins(file) { return file[...] }
        if file.starts(with: [0xFF, 0xD8]) { return segment(ofJPEG: file) }
        return PNGChunks.chunk("eXIf", of: file)
    }

    /// Segments before the picture's data: 0xFF, a name, a length that counts itself, content.
    private static func segment(ofJPEG file: [UInt8]) -> ArraySlice<UInt8>? {
        var place = 2
        while place + 4 <= file.count, file[place] == 0xFF, file[place + 1] != 0xDA {
            let end = place + 2 + Int(file[place + 2]) << 8 + Int(file[place + 3])
            guard end <= file.count, end >= place + 4 else { return nil }
            let content = file[place + 4..<end]
            if file[place + 1] == 0xE1, content.starts(with: signature) { return content.dropFirst(signature.count) }
            place = end
        }
        return nil
    }

    private static func orientation(_ data: ArraySlice<UInt8>) -> Int? {
        let isBigEndian = data.starts(with: Array("MM".utf8))
        guard isBigEndian || data.starts(with: Array("II".utf8)) else { return nil }
        func number(at place: Int, bytes count: Int) -> Int? {
            guard place >= 0, place + count <= data.count else { return nil }
            let bytes = data[data.startIndex + place..<data.startIndex + place + count]
            return (isBigEndian ? Array(bytes) : bytes.reversed()).reduce(0) { $0 << 8 | Int($1) }
        }
        guard number(at: 2, bytes: 2) == 42, let first = number(at: 4, bytes: 4),
            let count = number(at: first, bytes: 2)
        else { return nil }
        for entry in 0..<count {
            let place = first + 2 + entry * 12
            guard let tag = number(at: place, bytes: 2) else { return nil }
            if tag == 0x0112 { return number(at: place + 8, bytes: 2) }
        }
        return nil
    }
}
