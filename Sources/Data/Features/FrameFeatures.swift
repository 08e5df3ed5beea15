/// What a frozen vision encoder makes of one frame, rounded to bf16: `[N, D]`, rows first.
public struct FrameFeatures: Sendable, Equatable {
    /// The upper halves of f32 bit patterns.
    public let bits: [UInt16]

    init(bits: [UInt16]) {
        self.bits = bits
    }

    /// Rounds to the nearest bf16, ties to even, as torch does.
    public init(rounding values: UnsafeBufferPointer<Float>) {
        bits = [UInt16](unsafeUninitializedCapacity: values.count) { target, initialized in
            for index in values.indices { target[index] = Self.rounded(values[index]) }
            initialized = values.count
        }
    }

    /// Writes the features as f32.
    ///
    /// - Precondition: `target` has as many elements.
    public func write(to target: UnsafeMutableBufferPointer<Float>) {
        precondition(target.count == bits.count, "\(bits.count) features for \(target.count) places")
        for index in bits.indices { target[index] = Float(bitPattern: UInt32(bits[index]) << 16) }
    }

    private static func rounded(_ value: Float) -> UInt16 {
        let pattern = value.bitPattern
        // Adding half a unit would carry a NaN's payload into infinity.
        if value.isNaN { return UInt16(truncatingIfNeeded: pattern >> 16) | 0x40 }
        return UInt16(truncatingIfNeeded: (pattern &+ 0x7FFF &+ (pattern >> 16 & 1)) >> 16)
    }
}

/// A frame by its place in the mix of a stream.
public struct FrameReference: Sendable, Hashable {
    /// Position in the mix.
    public var dataset: Int
    /// Position in the dataset's episode table.
    public var episode: Int
    /// Counted from the episode's start.
    public var frame: Int

    public init(dataset: Int, episode: Int, frame: Int) {
        (self.dataset, self.episode, self.frame) = (dataset, episode, frame)
    }
}
