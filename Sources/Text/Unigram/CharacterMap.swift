/// The table of a SentencePiece model that replaces character sequences, used as HuggingFace's tokenizers do.
///
/// Text is cut into grapheme clusters. One of fewer than six bytes is looked up as a whole: the shortest entry that it begins
/// with replaces all of it, combining marks included. The others, and those without an entry, are replaced scalar by scalar.
/// SPEC_WAN §5. The layout is that of `CharacterMapCheck`.
struct CharacterMap {
    private let units: [UInt32]
    private let replacements: [UInt8]
    /// Clusters of this many bytes and more go scalar by scalar.
    private static let longCluster = 6

    /// - Parameter bytes: `precompiled_charsmap`.
    /// - Returns: nil for a table that leads out of itself.
    init?(_ bytes: [UInt8]) {
        guard bytes.withUnsafeBytes(CharacterMapCheck.isClosed) else { return nil }
        (units, replacements) = bytes.withUnsafeBytes { bytes in
            func word(_ offset: Int) -> UInt32 {
                UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
            }
            let count = Int(word(0)) / 4
            return ((0..<count).map { word(4 + 4 * $0) }, Array(bytes[(4 + 4 * count)...]))
        }
    }

    func replacing(_ text: String) -> String {
        var result: [UInt8] = []
        result.reserveCapacity(text.utf8.count)
        for cluster in text {
            let bytes = Array(cluster.utf8)
            if bytes.count < Self.longCluster, let replacement = replacement(of: bytes) {
                result += replacement
                continue
            }
            for scalar in cluster.unicodeScalars {
                let bytes = Array(String(scalar).utf8)
                result += replacement(of: bytes) ?? bytes[...]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// What replaces the shortest entry that `bytes` begin with.
    private func replacement(of bytes: [UInt8]) -> ArraySlice<UInt8>? {
        guard let root = units.first else { return nil }
        var position = Self.offset(root)
        for byte in bytes where byte != 0 {
            position ^= Int(byte)
            guard units.indices.contains(position) else { return nil }
            let unit = units[position]
            // A node's label; a leaf has the top bit, so it matches no byte.
            guard unit & 0x8000_00FF == UInt32(byte) else { return nil }
            position ^= Self.offset(unit)
            guard unit & 0x100 != 0 else { continue }
            guard units.indices.contains(position) else { return nil }
            let start = Int(units[position] & 0x7FFF_FFFF)
            return replacements.indices.contains(start) ? replacements[start...].prefix { $0 != 0 } : nil
        }
        return nil
    }

    private static func offset(_ unit: UInt32) -> Int { Int(unit >> 10) << (unit & 0x200 == 0 ? 0 : 8) }
}
