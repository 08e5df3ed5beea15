import DataCore
import Foundation

/// How long a video file says that it is. What is cut off behind a whole packet decodes without a fault, and its last frames
/// are missing, or were to come before frames that are there.
enum ContainerLength {
    /// Checks that a file reaches as far as its container says, where that is said.
    ///
    /// - Throws: `DataError.unreadableVideo` for one that is shorter.
    static func requireWhole(_ path: String) throws {
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw DataError.unreadableFile(path: path, reason: "cannot be opened")
        }
        defer { try? file.close() }
        let length = (try? file.seekToEnd()) ?? 0
        guard let declared = declared(file, length: length), declared > length else { return }
        throw DataError.unreadableVideo(
            path: path, reason: "cut off: its container has \(declared) bytes, the file \(length); copy it again")
    }

    /// - Returns: nil where nothing is said.
    private static func declared(_ file: FileHandle, length: UInt64) -> UInt64? {
        let head = bytes(12, at: 0, of: file)
        if head.starts(with: "RIFF".utf8) {
            let size = head[4..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            return size == 0 || size == 0xFFFF_FFFF ? nil : size + 8
        }
        return head.starts(with: [0x1A, 0x45, 0xDF, 0xA3]) ? matroska(file) : boxes(file, length: length)
    }

    /// The header, then the segment that holds all the rest. RFC 8794 §4, §11.2.4.
    private static func matroska(_ file: FileHandle) -> UInt64? {
        guard let header = element(at: 0, of: file), let size = header.size else { return nil }
        let start = header.end + size
        guard let segment = element(at: start, of: file), segment.id == 0x1853_8067, let size = segment.size else {
            return nil
        }
        return segment.end + size
    }

    /// - Returns: number, size (nil: unknown) and the end of both.
    private static func element(at offset: UInt64, of file: FileHandle) -> (id: UInt64, size: UInt64?, end: UInt64)? {
        let head = bytes(12, at: offset, of: file)
        guard let first = head.first, first != 0 else { return nil }
        let width = first.leadingZeroBitCount + 1
        guard width <= 4, head.count > width, head[width] != 0 else { return nil }
        let id = head[0..<width].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let digits = head[width].leadingZeroBitCount + 1
        guard head.count >= width + digits else { return nil }
        let mask = UInt64(1) << (7 * UInt64(digits)) - 1
        let size = head[width..<width + digits].reduce(UInt64(0)) { $0 << 8 | UInt64($1) } & mask
        return (id, size == mask || size > 1 << 50 ? nil : size, offset + UInt64(width + digits))
    }

    /// The end of the last box. ISO 14496-12 §4.2.
    private static func boxes(_ file: FileHandle, length: UInt64) -> UInt64? {
        var (offset, count) = (UInt64(0), 0)
        while offset < length, count < 4096 {
            let head = bytes(16, at: offset, of: file)
            guard head.count >= 8 else { return nil }
            var size = head[0..<4].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            if size == 0 { return nil }
            if size == 1 {
                guard head.count == 16 else { return nil }
                size = head[8..<16].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            }
            guard size >= 8, size < 1 << 50 else { return nil }
            offset += size
            count += 1
        }
        return offset
    }

    private static func bytes(_ count: Int, at offset: UInt64, of file: FileHandle) -> [UInt8] {
        guard (try? file.seek(toOffset: offset)) != nil, let data = try? file.read(upToCount: count) else { return [] }
        return Array(data)
    }
}
