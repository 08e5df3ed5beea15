/// The bytes of a file of which only parts are on this disk. Safe from any thread.
public protocol ByteSource: AnyObject, Sendable {
    /// Bytes of the whole file.
    var count: Int { get }

    /// Brings a range to this disk.
    ///
    /// - Throws: `DataError`; `FormatError.io`.
    func require(_ range: Range<Int>) throws

    /// Brings the whole file to this disk.
    func requireWhole() throws

    /// Fills `buffer` with the bytes from `offset` on; those that are not on this disk read as zeros.
    ///
    /// - Precondition: they lie in the file.
    func read(_ buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws
}

extension ByteSource {
    /// Brings what tells the frames of an mp4 file: the heads of its boxes and all of `moov`.
    ///
    /// - Returns: false for what is no mp4, or one whose tables lie in fragments all over the file. ISO 14496-12 §8.8.
    package func requireTables() throws -> Bool {
        var (offset, boxes, isWhole, hasTables) = (0, 0, true, false)
        while offset < count {
            guard let box = try box(at: offset, in: count), boxes < 64 else { return false }
            boxes += 1
            if box.type == "moov" {
                guard box.range.count <= 1 << 28 else { return false }
                try require(box.range)
                hasTables = true
                isWhole = try !contains("mvex", in: box)
            }
            offset = box.range.upperBound
        }
        return hasTables && isWhole
    }

    private func contains(_ type: String, in parent: Box) throws -> Bool {
        var offset = parent.range.lowerBound + parent.head
        while offset < parent.range.upperBound, let box = try box(at: offset, in: parent.range.upperBound) {
            if box.type == type { return true }
            offset = box.range.upperBound
        }
        return false
    }

    /// A box: 4 bytes of size, 4 of type; size 1 means 8 more bytes of size, 0 the rest of the file.
    func box(at offset: Int, in end: Int) throws -> Box? {
        guard end - offset >= 8 else { return nil }
        let length = min(16, end - offset)
        try require(offset..<offset + length)
        var bytes = [UInt8](repeating: 0, count: 16)
        try bytes.withUnsafeMutableBytes {
            try read(UnsafeMutableRawBufferPointer(rebasing: $0.prefix(length)), at: offset)
        }
        func number(_ range: Range<Int>) -> UInt64 { bytes[range].reduce(0) { $0 << 8 | UInt64($1) } }
        var (size, head) = (number(0..<4), 8)
        if size == 1 { (size, head) = (number(8..<16), 16) }
        if size == 0 { size = UInt64(end - offset) }
        guard size >= UInt64(head), size <= UInt64(end - offset) else { return nil }
        return Box(
            type: String(decoding: bytes[4..<8], as: UTF8.self), range: offset..<offset + Int(size), head: head)
    }
}

/// A box of an mp4 file.
struct Box {
    let type: String
    let range: Range<Int>
    let head: Int
}
