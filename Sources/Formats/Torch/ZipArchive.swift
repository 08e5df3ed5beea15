import CCompression

/// A zip archive in memory: its directory, checked, and access to entries' bytes.
///
/// Understands stored and deflated entries and zip64. Sizes in the file are never trusted before they are compared with
/// the file's bounds, and nothing is inflated beyond the size its reader expects.
struct ZipArchive {
    struct Entry {
        let name: String
        let isDeflated: Bool
        let checksum: UInt32
        let compressedBytes: UInt64
        let bytes: UInt64
        let headerOffset: UInt64
    }

    private(set) var entries: [String: Entry] = [:]
    /// The names in directory order.
    private(set) var names: [String] = []
    private let file: UnsafeRawBufferPointer

    init(_ file: UnsafeRawBufferPointer) throws(ZipFault) {
        self.file = file
        let directory = try EndRecord(file)
        guard let offset = Int(exactly: directory.offset), let length = Int(exactly: directory.bytes),
            let records = file.slice(at: offset, length: length)
        else { throw .directoryBounds(offset: directory.offset, bytes: directory.bytes, fileBytes: file.count) }
        // 46 bytes is the least an entry takes: refuses a lie about the count before room is made for it.
        guard let count = Int(exactly: directory.count), count <= length / 46 else {
            throw .entryCount(expected: directory.count, directoryBytes: length)
        }
        entries.reserveCapacity(count)
        names.reserveCapacity(count)
        var position = 0
        for index in 0..<count {
            let entry = try Self.entry(records, &position, index)
            guard entries.updateValue(entry, forKey: entry.name) == nil else { throw .duplicateEntry(entry.name) }
            names.append(entry.name)
        }
        guard position == length else { throw .entryCount(expected: directory.count, directoryBytes: length) }
    }

    private static func entry(
        _ records: UnsafeRawBufferPointer, _ position: inout Int, _ index: Int
    ) throws(ZipFault) -> Entry {
        guard records.integer(UInt32.self, at: position) == 0x0201_4B50,
            let flags = records.integer(UInt16.self, at: position + 8),
            let method = records.integer(UInt16.self, at: position + 10),
            let checksum = records.integer(UInt32.self, at: position + 16),
            let shortCompressed = records.integer(UInt32.self, at: position + 20),
            let shortBytes = records.integer(UInt32.self, at: position + 24),
            let nameLength = records.integer(UInt16.self, at: position + 28),
            let extraLength = records.integer(UInt16.self, at: position + 30),
            let commentLength = records.integer(UInt16.self, at: position + 32),
            let disk = records.integer(UInt16.self, at: position + 34),
            let shortOffset = records.integer(UInt32.self, at: position + 42),
            let nameBytes = records.slice(at: position + 46, length: Int(nameLength)),
            let name = String(validating: nameBytes, as: UTF8.self),
            let extra = records.slice(at: position + 46 + Int(nameLength), length: Int(extraLength)),
            records.slice(at: position + 46 + Int(nameLength) + Int(extraLength), length: Int(commentLength)) != nil
        else { throw .directoryEntry(index: index) }
        position += 46 + Int(nameLength) + Int(extraLength) + Int(commentLength)
        // As PyTorch's reader has it: encrypted, patched, strongly encrypted, or with masked headers.
        guard flags & (1 | 0x20 | 0x40 | 0x2000) == 0 else { throw .encrypted(name) }
        guard disk <= 1 else { throw .multipleDisks }
        guard method == 0 || method == 8 else { throw .method(entry: name, method: Int(method)) }

        // The zip64 field holds, in this order, only the numbers whose short form is all ones.
        var wide = zip64Field(extra)[...]
        func widened(_ short: UInt32) throws(ZipFault) -> UInt64 {
            guard short == .max else { return UInt64(short) }
            guard let value = wide.popFirst() else { throw .directoryEntry(index: index) }
            return value
        }
        let bytes = try widened(shortBytes)
        let compressedBytes = try widened(shortCompressed)
        let offset = try widened(shortOffset)
        guard method == 8 || bytes == compressedBytes, bytes == 0 || compressedBytes > 0 else {
            throw .directoryEntry(index: index)
        }
        return Entry(
            name: name, isDeflated: method == 8, checksum: checksum, compressedBytes: compressedBytes, bytes: bytes,
            headerOffset: offset)
    }

    private static func zip64Field(_ extra: UnsafeRawBufferPointer) -> [UInt64] {
        var position = 0
        while let tag = extra.integer(UInt16.self, at: position),
            let length = extra.integer(UInt16.self, at: position + 2),
            let field = extra.slice(at: position + 4, length: Int(length))
        {
            if tag == 1 { return stride(from: 0, through: 16, by: 8).compactMap { field.integer(UInt64.self, at: $0) } }
            position += 4 + Int(length)
        }
        return []
    }

    /// The entry's bytes as they lie in the file, compressed or not.
    private func raw(_ entry: Entry) throws(ZipFault) -> UnsafeRawBufferPointer {
        guard let header = Int(exactly: entry.headerOffset),
            file.integer(UInt32.self, at: header) == 0x0403_4B50, header <= file.count - 30,
            let nameLength = file.integer(UInt16.self, at: header + 26),
            let extraLength = file.integer(UInt16.self, at: header + 28),
            let name = file.slice(at: header + 30, length: Int(nameLength)), name.elementsEqual(entry.name.utf8)
        else { throw .localHeader(entry: entry.name) }
        let start = header + 30 + Int(nameLength) + Int(extraLength)
        guard let length = Int(exactly: entry.compressedBytes), let bytes = file.slice(at: start, length: length) else {
            throw .entryBounds(entry: entry.name, offset: start, bytes: entry.compressedBytes, fileBytes: file.count)
        }
        return bytes
    }

    /// An entry whose size the caller knows: a pointer into the archive where it is stored, nil where it is deflated
    /// and has to be inflated with `inflate(_:into:)`.
    func stored(_ entry: Entry) throws(ZipFault) -> UnsafeRawBufferPointer? {
        let bytes = try raw(entry)
        return entry.isDeflated ? nil : bytes
    }

    /// Inflates an entry into exactly `target.count` bytes.
    func inflate(_ entry: Entry, into target: UnsafeMutableRawBufferPointer) throws(ZipFault) {
        let source = try raw(entry)
        var stream = z_stream()
        // Negative window bits: a bare deflate stream, without zlib's own header.
        guard inflateInit2_(&stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw .deflate(entry: entry.name)
        }
        defer { inflateEnd(&stream) }
        // zlib counts in 32 bits, so both sides are handed over in parts.
        let part = 1 << 30
        var read = 0
        var written = 0
        var status = Z_OK
        while status == Z_OK {
            let input = min(source.count - read, part)
            let output = min(target.count - written, part)
            // SAFETY: zlib reads at most `avail_in` bytes of `source` and does not write to them, and writes at most
            // `avail_out` bytes of `target`; a spare byte tells a stream that is longer than declared from one that
            // ends.
            var spare: UInt8 = 0
            status = withUnsafeMutablePointer(to: &spare) { spare in
                stream.next_in = UnsafeMutablePointer(
                    mutating: source.baseAddress?.advanced(by: read).assumingMemoryBound(to: UInt8.self))
                stream.avail_in = UInt32(input)
                stream.next_out =
                    output > 0
                    ? target.baseAddress?.advanced(by: written).assumingMemoryBound(to: UInt8.self) : spare
                stream.avail_out = UInt32(output > 0 ? output : 1)
                let status = CCompression.inflate(&stream, Z_NO_FLUSH)
                read += input - Int(stream.avail_in)
                written += (output > 0 ? output : 1) - Int(stream.avail_out)
                return status
            }
            guard written <= target.count else { throw .deflate(entry: entry.name) }
        }
        guard status == Z_STREAM_END, written == target.count else { throw .deflate(entry: entry.name) }
    }

    /// Compares the CRC-32 of an entry's uncompressed bytes with the directory's.
    func verify(_ entry: Entry, _ bytes: UnsafeRawBufferPointer) throws(ZipFault) {
        let checksum = crc32(bytes)
        guard checksum == entry.checksum else {
            throw .checksum(entry: entry.name, expected: entry.checksum, got: checksum)
        }
    }
}

extension ZipFault: Error {}

/// The CRC-32 of zip, continued from that of the bytes before.
package func crc32(_ bytes: UnsafeRawBufferPointer, continuing previous: UInt32 = 0) -> UInt32 {
    // SAFETY: zlib reads `count` bytes from the address; for a buffer without an address nothing is called.
    guard let base = bytes.baseAddress else { return previous }
    return UInt32(crc32_z(UInt(previous), base.assumingMemoryBound(to: UInt8.self), bytes.count))
}

/// Where the directory lies, from the record at the archive's end.
private struct EndRecord {
    let count: UInt64
    let bytes: UInt64
    let offset: UInt64

    init(_ file: UnsafeRawBufferPointer) throws(ZipFault) {
        // 22 bytes and a comment of at most 65,535 that must reach the file's end exactly.
        var position = file.count - 22
        let first = max(0, position - 0xFFFF)
        while position >= first {
            if file.integer(UInt32.self, at: position) == 0x0605_4B50,
                file.integer(UInt16.self, at: position + 20).map({ position + 22 + Int($0) }) == file.count
            {
                break
            }
            position -= 1
        }
        guard position >= first,
            let disk = file.integer(UInt16.self, at: position + 4),
            let directoryDisk = file.integer(UInt16.self, at: position + 6),
            let diskCount = file.integer(UInt16.self, at: position + 8),
            let count = file.integer(UInt16.self, at: position + 10),
            let bytes = file.integer(UInt32.self, at: position + 12),
            let offset = file.integer(UInt32.self, at: position + 16)
        else { throw .noEndRecord }

        guard count == .max || bytes == .max || offset == .max else {
            guard disk == 0, directoryDisk == 0, diskCount == count else { throw .multipleDisks }
            self.count = UInt64(count)
            self.bytes = UInt64(bytes)
            self.offset = UInt64(offset)
            return
        }
        guard file.integer(UInt32.self, at: position - 20) == 0x0706_4B50,
            file.integer(UInt32.self, at: position - 4) == 1,
            let record = file.integer(UInt64.self, at: position - 12).flatMap({ Int(exactly: $0) }),
            file.integer(UInt32.self, at: record) == 0x0606_4B50, record <= file.count - 56,
            file.integer(UInt64.self, at: record + 4).map({ $0 >= 44 }) == true,
            let diskCount = file.integer(UInt64.self, at: record + 24),
            let wideCount = file.integer(UInt64.self, at: record + 32), diskCount == wideCount,
            let wideBytes = file.integer(UInt64.self, at: record + 40),
            let wideOffset = file.integer(UInt64.self, at: record + 48)
        else { throw .zip64Record }
        self.count = wideCount
        self.bytes = wideBytes
        self.offset = wideOffset
    }
}
