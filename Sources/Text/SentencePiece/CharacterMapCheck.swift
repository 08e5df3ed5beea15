/// The part of a SentencePiece model that its library trusts blindly.
///
/// `normalizer_spec.precompiled_charsmap` is a double-array trie (Darts-clone) from character sequences to offsets of
/// their replacements. The library follows its links without looking where they lead, so a damaged file would make it
/// read anywhere. Here every link of every unit is checked to stay inside.
///
/// Layout: u32 byte count of the trie; the trie's u32 units; the replacements, each ended by a zero byte. A unit with a
/// clear top bit is a node: bits 10... are an offset, shifted left by 8 where bit 9 is set; its children lie at `(own
/// position ^ offset) ^ byte`, and where bit 8 is set, `own position ^ offset` is a leaf with a value. All little-endian.
enum CharacterMapCheck {
    /// NFKC's longest replacement takes 33 bytes. Without a bound, a short text could become gigabytes.
    private static let longestReplacement = 255

    /// - Parameter model: a serialized `ModelProto`.
    static func verify(model: UnsafeRawBufferPointer) throws(TokenizerFault) {
        var fields = ProtobufFields(model)
        while let field = try fields.next() {
            // normalizer_spec and denormalizer_spec.
            guard field.number == 3 || field.number == 5, let message = field.bytes else { continue }
            var inner = ProtobufFields(message)
            while let field = try inner.next() {
                guard field.number == 2, let map = field.bytes, !map.isEmpty else { continue }
                guard isClosed(map) else { throw .characterMap }
            }
        }
    }

    static func isClosed(_ map: UnsafeRawBufferPointer) -> Bool {
        guard map.count > 4 else { return false }
        func word(_ offset: Int) -> Int {
            Int(UInt32(littleEndian: map.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
        }
        let trieBytes = word(0)
        guard trieBytes > 0, trieBytes % 4 == 0, trieBytes < map.count - 4 else { return false }
        let units = trieBytes / 4
        let replacements = UnsafeRawBufferPointer(rebasing: map[(4 + trieBytes)...])
        for position in 0..<units {
            let unit = word(4 + 4 * position)
            guard unit & 0x8000_0000 == 0 else { continue }
            let children = position ^ ((unit >> 10) << (unit & 0x200 == 0 ? 0 : 8))
            guard children | 0xFF < units else { return false }
            guard unit & 0x100 != 0 else { continue }
            let value = word(4 + 4 * children) & 0x7FFF_FFFF
            guard value < replacements.count,
                replacements[value...].prefix(longestReplacement + 1).contains(0)
            else { return false }
        }
        return true
    }
}

/// The fields of one protobuf message, in order.
struct ProtobufFields {
    private let message: UnsafeRawBufferPointer
    private var position = 0

    init(_ message: UnsafeRawBufferPointer) {
        self.message = message
    }

    /// - Returns: the number of the next field, with its bytes where it has a length, or its bits where it is a number of 32
    ///   bits or of variable length; nil at the end.
    mutating func next() throws(TokenizerFault) -> (number: Int, bytes: UnsafeRawBufferPointer?, bits: UInt64?)? {
        guard position < message.count else { return nil }
        let tag = try varint()
        let number = Int(tag >> 3)
        switch tag & 7 {
        case 0: return (number, nil, try varint())
        case 1: _ = try take(8)
        case 2: return (number, try take(varint()), nil)
        case 5: return (number, nil, UInt64(UInt32(littleEndian: try take(4).loadUnaligned(as: UInt32.self))))
        default: throw .malformedField(offset: position)
        }
        return (number, nil, nil)
    }

    private mutating func varint() throws(TokenizerFault) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard position < message.count else { throw .malformedField(offset: position) }
            let byte = message[position]
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw .malformedField(offset: position)
    }

    private mutating func take(_ count: UInt64) throws(TokenizerFault) -> UnsafeRawBufferPointer {
        guard count <= UInt64(message.count - position) else { throw .malformedField(offset: position) }
        let start = position
        position += Int(count)
        return UnsafeRawBufferPointer(rebasing: message[start..<position])
    }
}
