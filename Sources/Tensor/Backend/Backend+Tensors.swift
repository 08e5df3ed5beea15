extension Backend {
    /// Multi-head attention without a bias.
    public func attention(_ qkv: Tensor, layout: AttentionLayout, keyMask: Tensor?, into out: Tensor) {
        attention(qkv, layout: layout, keyMask: keyMask, bias: nil, into: out)
    }

    /// Layer normalisation where no backward pass follows.
    public func layerNorm(_ x: Tensor, weight: Tensor, bias: Tensor, epsilon: Float, into y: Tensor) {
        _ = layerNorm(x, weight: weight, bias: bias, epsilon: epsilon, into: y, keeps: false)
    }

    /// Sum of squares of all elements, once it is computed.
    public func sumOfSquares(_ x: Tensor) -> Double {
        let sum = empty([], .f64)
        sumOfSquares(x, into: sum)
        return doubles(sum)[0]
    }

    /// Where operations run as they are asked for, nothing takes one for another.
    public func isolated(_ x: Tensor) -> Tensor { x }

    /// How often each number below `count` occurs among `indices` (i32), f32 `[count, 1]`: exact up to 2^24 of them.
    public func occurrences(of indices: Tensor, count: Int) -> Tensor {
        let ones = empty([indices.count, 1]), sums = zeros([count, 1])
        fill(ones, with: 1)
        scatterAddRows(ones, indices: indices, to: sums)
        return sums
    }

    /// An uninitialised tensor.
    public func empty(_ shape: [Int], _ dtype: DType = .f32) -> Tensor {
        Tensor(memory: allocate(byteCount: shape.product * dtype.byteSize), shape: shape, dtype: dtype)
    }

    /// A tensor of zeros (f32).
    public func zeros(_ shape: [Int]) -> Tensor {
        let tensor = empty(shape)
        fill(tensor, with: 0)
        return tensor
    }

    /// A tensor of given elements.
    public func tensor(_ elements: [Float], _ shape: [Int]) -> Tensor { upload(elements, shape, .f32) }
    public func tensor(_ elements: [Double], _ shape: [Int]) -> Tensor { upload(elements, shape, .f64) }
    public func tensor(_ elements: [Int32], _ shape: [Int]) -> Tensor { upload(elements, shape, .i32) }
    public func tensor(_ elements: [UInt8], _ shape: [Int]) -> Tensor { upload(elements, shape, .u8) }

    private func upload<Element>(_ elements: [Element], _ shape: [Int], _ dtype: DType) -> Tensor {
        precondition(elements.count == shape.product, "\(elements.count) elements for shape \(shape)")
        let tensor = empty(shape, dtype)
        elements.withUnsafeBytes { upload($0, to: tensor) }
        return tensor
    }

    /// The elements of an f32 tensor, once they are computed.
    public func floats(_ tensor: Tensor) -> [Float] { download(tensor, .f32, zero: Float(0)) }
    /// The elements of an f64 tensor, once they are computed.
    public func doubles(_ tensor: Tensor) -> [Double] { download(tensor, .f64, zero: 0.0) }
    /// The elements of an i32 tensor, once they are computed.
    public func int32s(_ tensor: Tensor) -> [Int32] { download(tensor, .i32, zero: Int32(0)) }

    private func download<Element>(_ tensor: Tensor, _ dtype: DType, zero: Element) -> [Element] {
        precondition(tensor.dtype == dtype, "asked for \(dtype) elements of a \(tensor.dtype) tensor")
        var elements = [Element](repeating: zero, count: tensor.count)
        elements.withUnsafeMutableBytes { download(tensor, into: $0) }
        return elements
    }
}
