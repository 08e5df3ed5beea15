/// XXH64: a 64-bit digest of bytes that runs at the speed of memory. It tells apart files that differ by accident;
/// against somebody who wants two files to agree it is no help.
///
/// Four lanes of eight bytes are mixed by multiplication and rotation, then merged; what is left over follows in words
/// of 8, 4 and 1 bytes. Source: Y. Collet, "xxHash fast digest algorithm", specification 0.2.
public enum XXHash64 {
    private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
    private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
    private static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
    private static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
    private static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5

    /// The digest with seed 0.
    public static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        func word<Word: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _: Word.Type) -> UInt64 {
            UInt64(Word(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Word.self)))
        }
        var offset = 0
        var digest = prime5
        if bytes.count >= 32 {
            var (a, b, c, d) = (prime1 &+ prime2, prime2, 0 as UInt64, 0 &- prime1)
            while bytes.count - offset >= 32 {
                a = round(a, word(offset, UInt64.self))
                b = round(b, word(offset + 8, UInt64.self))
                c = round(c, word(offset + 16, UInt64.self))
                d = round(d, word(offset + 24, UInt64.self))
                offset += 32
            }
            digest = rotate(a, 1) &+ rotate(b, 7) &+ rotate(c, 12) &+ rotate(d, 18)
            for lane in [a, b, c, d] { digest = (digest ^ round(0, lane)) &* prime1 &+ prime4 }
        }
        digest &+= UInt64(bytes.count)
        while bytes.count - offset >= 8 {
            digest = rotate(digest ^ round(0, word(offset, UInt64.self)), 27) &* prime1 &+ prime4
            offset += 8
        }
        if bytes.count - offset >= 4 {
            digest = rotate(digest ^ word(offset, UInt32.self) &* prime1, 23) &* prime2 &+ prime3
            offset += 4
        }
        while offset < bytes.count {
            digest = rotate(digest ^ UInt64(bytes[offset]) &* prime5, 11) &* prime1
            offset += 1
        }
        digest = (digest ^ digest >> 33) &* prime2
        digest = (digest ^ digest >> 29) &* prime3
        return digest ^ digest >> 32
    }

    /// The digest in sixteen hexadecimal digits.
    public static func hexadecimal(_ bytes: UnsafeRawBufferPointer) -> String {
        let digits = String(hash(bytes), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func round(_ lane: UInt64, _ word: UInt64) -> UInt64 {
        rotate(lane &+ word &* prime2, 31) &* prime1
    }

    private static func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 {
        value << count | value >> (64 - count)
    }
}
