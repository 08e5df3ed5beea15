/// The parts of a PNG file.
public enum PNGChunks {
    /// The file with what its pixels are made of, and nothing else.
    ///
    /// Texts and colour profiles are compressed, and decoders inflate them whatever their size: 200 KB may hold gigabytes.
    ///
    /// - Parameter file: begins with PNG's signature.
    public static func pixels(of file: [UInt8]) -> [UInt8] {
        var kept: [Range<Int>] = [0..<min(signatureBytes, file.count)]
        var place = signatureBytes
        while place + 8 <= file.count {
            let length = file[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
            // Length, name, data and checksum; of a file that was cut off what is there.
            let end = min(place + 12 + length, file.count)
            if isPixels(file[place + 4..<place + 8]) { kept.append(place..<end) }
            place = end
        }
        guard kept.reduce(0, { $0 + $1.count }) < file.count else { return file }
        return kept.flatMap { file[$0] }
    }

    /// The content of the first chunk of a name; nil where there is none, or the file was cut off within it.
    public static func chunk(_ name: String, of file: [UInt8]) -> ArraySlice<UInt8>? {
        var place = signatureBytes
        while place + 12 <= file.count {
            let length = file[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
            guard place + 12 + length <= file.count else { return nil }
            if file[place + 4..<place + 8].elementsEqual(name.utf8) { return file[place + 8..<place + 8 + length] }
            place += 12 + length
        }
        return nil
    }

    private static let signatureBytes = 8

    /// Critical chunks begin with a capital letter; `tRNS` has the palette's transparency.
    private static func isPixels(_ name: ArraySlice<UInt8>) -> Bool {
        name.first.map { $0 & 0x20 == 0 } ?? false || name.elementsEqual("tRNS".utf8)
    }
}
