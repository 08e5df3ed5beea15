/// Writes a zip archive of stored entries the way torch does, one entry after the other, never the whole in memory.
///
/// Each entry's data starts at a multiple of 64 bytes: its local header has an extra field `FB` filled with `Z`. Sizes and
/// CRC-32 follow the data, so that an entry is read once; zip64 fields appear where 32 bits do not suffice.
struct ZipWriter {
    private struct Record {
        let name: [UInt8]
        let checksum: UInt32
        let bytes: UInt64
        let offset: UInt64
    }

    private let file: AtomicFile
    private var records: [Record] = []

    private static let alignment = 64
    /// Bit 3: sizes follow the data; bit 11: names are UTF-8.
    private static let flags: UInt16 = 0x0808

    init(_ file: AtomicFile) { self.file = file }

    mutating func add(_ name: String, _ bytes: UnsafeRawBufferPointer) throws(FormatError) {
        let name = Array(name.utf8)
        let offset = UInt64(file.count)
        let isWide = bytes.count >= UInt32.max
        // A wide entry says so already here, because that decides how long the numbers behind its data are.
        let wideField: [UInt8] = isWide ? little(1 as UInt16, 16 as UInt16) + little(0 as UInt64, 0 as UInt64) : []
        let unpadded = file.count + 30 + name.count + wideField.count + 4
        let padding = (Self.alignment - unpadded % Self.alignment) % Self.alignment

        var header = little(0x0403_4B50 as UInt32)
        header += little(isWide ? 45 : 0 as UInt16, Self.flags, 0, 0, 0)
        header += little(0 as UInt32) + (isWide ? little(.max, .max as UInt32) : little(0, 0 as UInt32))
        header += little(UInt16(name.count), UInt16(wideField.count + 4 + padding))
        header += name + wideField
        header += Array("FB".utf8) + little(UInt16(padding)) + [UInt8](repeating: UInt8(ascii: "Z"), count: padding)
        try file.write(header)

        // In parts, so that each is still in the processor's caches when it is written.
        var checksum: UInt32 = 0
        for start in stride(from: 0, to: bytes.count, by: 1 << 20) {
            let part = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + 1 << 20, bytes.count)])
            checksum = crc32(part, continuing: checksum)
            try file.write(part)
        }
        var trailer = little(0x0807_4B50 as UInt32, checksum)
        trailer += isWide ? little(UInt64(bytes.count), UInt64(bytes.count)) : little(UInt32(bytes.count), UInt32(bytes.count))
        try file.write(trailer)
        records.append(Record(name: name, checksum: checksum, bytes: UInt64(bytes.count), offset: offset))
    }

    mutating func add(_ name: String, _ text: String) throws(FormatError) {
        try Array(text.utf8).withBytes { (bytes) throws(FormatError) in try add(name, bytes) }
    }

    /// A number of 40 digits that depends on all names and contents so far.
    var serializationID: String {
        let names = fnv1a(records.flatMap(\.name))
        let contents = fnv1a(records.flatMap { little($0.checksum) + little($0.bytes) })
        return [names, contents].map { value in
            let digits = String(value)
            return String(repeating: "0", count: 20 - digits.count) + digits
        }.joined()
    }

    /// Writes the directory; the archive is complete when the file is committed.
    func finish() throws(FormatError) {
        let start = UInt64(file.count)
        for record in records {
            var wide: [UInt8] = []
            if record.bytes >= UInt32.max { wide += little(record.bytes, record.bytes) }
            if record.offset >= UInt32.max { wide += little(record.offset) }
            if !wide.isEmpty { wide = little(1, UInt16(wide.count)) + wide }
            let bytes = UInt32(clamping: record.bytes)
            var entry = little(0x0201_4B50 as UInt32)
            entry += little(0, wide.isEmpty ? 0 : 45 as UInt16, Self.flags, 0, 0, 0)
            entry += little(record.checksum, bytes, bytes)
            entry += little(UInt16(record.name.count), UInt16(wide.count), 0, 0, 0)
            entry += little(0, UInt32(clamping: record.offset)) + record.name + wide
            try file.write(entry)
        }
        let end = UInt64(file.count)
        let count = UInt64(records.count)
        var record = little(0x0606_4B50 as UInt32) + little(44 as UInt64) + little(0x031E, 45 as UInt16)
        record += little(0, 0 as UInt32) + little(count, count, end - start, start)
        record += little(0x0706_4B50, 0 as UInt32) + little(end) + little(1 as UInt32)
        record += little(0x0605_4B50 as UInt32) + little(0, 0, UInt16(clamping: count), UInt16(clamping: count))
        record += little(UInt32(clamping: end - start), UInt32(clamping: start)) + little(0 as UInt16)
        try file.write(record)
    }
}

private func little<Value: FixedWidthInteger>(_ values: Value...) -> [UInt8] {
    values.flatMap { value in withUnsafeBytes(of: value.littleEndian) { [UInt8]($0) } }
}

private func fnv1a(_ bytes: [UInt8]) -> UInt64 {
    bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
}
