import Formats
import Foundation

/// A run file of Weights & Biases: LevelDB's log of records in blocks of 32 KiB behind a header of its own.
///
/// A record is cut where a block ends; each part has a CRC-32 of its type and bytes, its length and whether it is the whole,
/// the first, a middle or the last one. Layout: `wandb/sdk/internal/datastore.py` of wandb 0.19.
final class WandbFile {
    private let file: AppendedFile
    private var position: Int

    private static let blockSize = 32768
    private static let headerSize = 7
    /// `:W&B`, the magic number 0xBEE1 and the version 0.
    private static let start: [UInt8] = [0x3A, 0x57, 0x26, 0x42, 0xE1, 0xBE, 0]

    /// - Throws: `LoggerError.io`.
    init(_ path: String) throws {
        file = try AppendedFile(path)
        try file.append(Self.start)
        position = Self.start.count
    }

    /// - Throws: `LoggerError.io`.
    func append(_ record: WandbRecord) throws {
        var bytes: [UInt8] = []
        var rest = record.bytes[...]
        var isFirst = true
        repeat {
            var room = Self.blockSize - (position + bytes.count) % Self.blockSize
            if room < Self.headerSize {
                bytes += [UInt8](repeating: 0, count: room)
                room = Self.blockSize
            }
            let part = rest.prefix(room - Self.headerSize)
            rest = rest.dropFirst(part.count)
            let kind: UInt8 =
                switch (isFirst, rest.isEmpty) {
                case (true, true): 1
                case (true, false): 2
                case (false, false): 3
                case (false, true): 4
                }
            isFirst = false
            let checksum = ([kind] + part).withUnsafeBytes { crc32($0) }
            for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: checksum >> shift)) }
            bytes += [UInt8(part.count & 255), UInt8(part.count >> 8), kind] + part
        } while !rest.isEmpty
        try file.append(bytes)
        position += bytes.count
    }

    func close() throws { try file.close() }
}
