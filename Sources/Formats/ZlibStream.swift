/// Data that zlib deflated.
package enum ZlibStream {
    /// - Parameter size: of the inflated data.
    /// - Returns: exactly `size` bytes; nil if `bytes` are no such stream.
    package static func inflate(_ bytes: [UInt8], size: Int) -> [UInt8]? {
        try? Codec.gzip.decompress(bytes, bytes.indices, size: size)
    }
}
