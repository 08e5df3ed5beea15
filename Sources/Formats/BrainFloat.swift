/// bf16: the upper half of a float's bits.
public enum BrainFloat {
    /// The nearest value, ties to even; one NaN for all of them, as in torch.
    public static func bits(rounding value: Float) -> UInt16 {
        // Adding half a unit would carry a NaN's payload into infinity.
        guard !value.isNaN else { return 0x7FC0 }
        let bits = value.bitPattern
        return UInt16((bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
    }

    public static func value(_ bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }
}

extension StoredTensor {
    /// A bf16 array of rounded values.
    public init(roundingToBF16 values: [Float], shape: [Int]) {
        self.init(elementType: .bf16, shape: shape) { target in
            for (place, value) in values.enumerated() {
                let bits = BrainFloat.bits(rounding: value)
                target.storeBytes(of: bits.littleEndian, toByteOffset: 2 * place, as: UInt16.self)
            }
        }
    }
}
