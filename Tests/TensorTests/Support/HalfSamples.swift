import Tensor

/// bf16 values for tests.
enum HalfSamples {
    /// The upper half of a float, rounded to nearest even; NaN stays NaN.
    static func rounded(_ value: Float) -> Float {
        guard !value.isNaN else { return value }
        let bits = value.bitPattern
        return Float(bitPattern: (bits &+ 0x7fff &+ ((bits >> 16) & 1)) & 0xffff_0000)
    }

    /// Random values that are bf16 already.
    static func floats(_ count: Int, _ purpose: String, scale: Float = 1) -> [Float] {
        Samples.floats(count, purpose).map { rounded($0 * scale) }
    }
}

extension Backend {
    /// A bf16 tensor of given elements.
    func halves(_ elements: [Float], _ shape: [Int]) -> Tensor {
        let out = empty(shape, .bf16)
        cast(tensor(elements, shape), into: out)
        return out
    }

    /// The elements of an f32 or bf16 tensor.
    func widened(_ tensor: Tensor) -> [Float] {
        guard tensor.dtype == .bf16 else { return floats(tensor) }
        let out = empty(tensor.shape)
        cast(tensor, into: out)
        return floats(out)
    }
}
