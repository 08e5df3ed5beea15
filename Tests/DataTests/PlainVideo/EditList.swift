import Foundation

/// What an mp4 file shows of its frames: the entries of `elst`, ISO 14496-12 §8.6.6.
struct EditList {
    struct Entry {
        /// In the movie's clock of 1000 ticks a second.
        let duration: UInt32
        /// In the track's clock; -1 shows nothing.
        let mediaTime: Int32
        var rate: UInt16 = 1
    }

    /// Nil: there is none.
    let entries: [Entry]?

    /// Writes a copy of a file of one track, whose `moov` comes last, as libavformat puts it.
    func write(from source: String, to target: String) throws {
        var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: source)))
        let moov = try Self.box("moov", in: 0..<bytes.count, of: bytes)
        let track = try Self.box("trak", in: moov.lowerBound + 8..<moov.upperBound, of: bytes)
        let inside = track.lowerBound + 8..<track.upperBound
        let old: Range<Int>
        if let edits = try? Self.box("edts", in: inside, of: bytes) {
            old = edits
        } else {
            let header = try Self.box("tkhd", in: inside, of: bytes)
            old = header.upperBound..<header.upperBound
        }
        var new: [UInt8] = []
        if let entries {
            var list = Self.big(UInt32(0)) + Self.big(UInt32(entries.count))
            for entry in entries {
                list += Self.big(entry.duration) + Self.big(UInt32(bitPattern: entry.mediaTime))
                list += [UInt8(entry.rate >> 8), UInt8(entry.rate & 255), 0, 0]
            }
            list = Self.big(UInt32(list.count + 8)) + Array("elst".utf8) + list
            new = Self.big(UInt32(list.count + 8)) + Array("edts".utf8) + list
        }
        for parent in [moov, track] {
            let size = UInt32(parent.count + new.count - old.count)
            bytes.replaceSubrange(parent.lowerBound..<parent.lowerBound + 4, with: Self.big(size))
        }
        bytes.replaceSubrange(old, with: new)
        try FileManager.default.createDirectory(
            atPath: URL(fileURLWithPath: target).deletingLastPathComponent().path, withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(fileURLWithPath: target))
    }

    /// Media time of the file's own list: what comes before the first frame where some are stored late.
    static func delay(of path: String) throws -> Int32 {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        guard let place = Data(bytes).range(of: Data("elst".utf8))?.lowerBound else { return 0 }
        return Int32(bitPattern: number(bytes[(place + 16)..<(place + 20)]))
    }

    private static func box(_ name: String, in range: Range<Int>, of bytes: [UInt8]) throws -> Range<Int> {
        struct NotThere: Error {}
        var place = range.lowerBound
        while place + 8 <= range.upperBound {
            let size = Int(number(bytes[place..<place + 4]))
            guard size >= 8 else { break }
            if Array(bytes[place + 4..<place + 8]) == Array(name.utf8) { return place..<place + size }
            place += size
        }
        throw NotThere()
    }

    private static func big(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(value >> (24 - 8 * $0) & 255) } }
    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }
}
