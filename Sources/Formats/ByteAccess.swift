extension UnsafeRawBufferPointer {
    /// The little-endian integer at a byte offset, or nil where it would not lie within the buffer.
    func integer<Value: FixedWidthInteger & BitwiseCopyable>(_: Value.Type, at offset: Int) -> Value? {
        guard offset >= 0, offset <= count, count - offset >= MemoryLayout<Value>.size else { return nil }
        return Value(littleEndian: loadUnaligned(fromByteOffset: offset, as: Value.self))
    }

    /// The `length` bytes from `offset`, or nil where they would not lie within the buffer.
    func slice(at offset: Int, length: Int) -> UnsafeRawBufferPointer? {
        guard offset >= 0, length >= 0, offset <= count, count - offset >= length else { return nil }
        return UnsafeRawBufferPointer(rebasing: self[offset..<offset + length])
    }
}

extension Array where Element == UInt8 {
    /// `withUnsafeBytes` that keeps the type of what `body` throws.
    func withBytes<Failure: Error>(_ body: (UnsafeRawBufferPointer) throws(Failure) -> Void) throws(Failure) {
        let result: Result<Void, Failure> = withUnsafeBytes { bytes in
            Result { () throws(Failure) in try body(bytes) }
        }
        try result.get()
    }
}
