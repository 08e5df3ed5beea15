import Formats

/// bf16: the upper half of a float's bits, rounded to nearest, ties to even.
enum HalfRounding {
    static func bits(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        guard value == value else { return 0x7FC0 }
        return UInt16((bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
    }

    /// A bf16 array of rounded values.
    static func tensor(_ values: [Float], _ shape: [Int]) -> StoredTensor {
        StoredTensor(elementType: .bf16, shape: shape) { target in
            for (place, value) in values.enumerated() {
                target.storeBytes(of: bits(value).littleEndian, toByteOffset: 2 * place, as: UInt16.self)
            }
        }
    }
}
