/// Where the gradient of a tensor goes. Backward passes hold this instead of a tensor whose elements they do not need, so
/// that the elements can be freed.
struct GradientSlot {
    let node: Int?
    let shape: [Int]
    let dtype: DType

    var isTracked: Bool { node != nil }
}

extension Tensor {
    var slot: GradientSlot { GradientSlot(node: node, shape: shape, dtype: dtype) }
}
