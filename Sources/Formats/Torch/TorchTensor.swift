/// The bytes that one or several tensors of a torch file view.
public final class TorchStorage: Sendable {
    /// The storage as a flat array of the type its class names (`FloatStorage`: f32).
    public let elements: StoredTensor

    public init(_ elements: StoredTensor) { self.elements = elements.reshaped([elements.count]) }
}

/// A tensor as torch files describe it: a strided view of a storage.
public struct TorchTensor: Sendable {
    public let storage: TorchStorage
    public let elementType: ElementType
    public let shape: [Int]
    /// Distance between neighbours along each dimension, in elements; 0 where a dimension repeats the same elements.
    public let strides: [Int]
    /// The first element's index in the storage.
    public let offset: Int
    public let requiresGrad: Bool
    /// Whether the file wraps it as `torch.nn.Parameter`.
    public let isParameter: Bool

    /// A contiguous tensor with a storage of its own, borrowing the bytes of `stored`.
    public init(_ stored: StoredTensor) {
        storage = TorchStorage(stored)
        elementType = stored.elementType
        shape = stored.shape
        strides = Self.contiguousStrides(stored.shape)
        offset = 0
        requiresGrad = false
        isParameter = false
    }

    /// A view whose reach the caller has checked to lie within `storage`.
    init(
        storage: TorchStorage, elementType: ElementType, shape: [Int], strides: [Int], offset: Int, requiresGrad: Bool,
        isParameter: Bool
    ) {
        self.storage = storage
        self.elementType = elementType
        self.shape = shape
        self.strides = strides
        self.offset = offset
        self.requiresGrad = requiresGrad
        self.isParameter = isParameter
    }

    /// Row-major strides as torch computes them: an empty dimension counts as one.
    static func contiguousStrides(_ shape: [Int]) -> [Int] {
        var strides = [Int](repeating: 1, count: shape.count)
        for axis in shape.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * max(shape[axis + 1], 1) }
        return strides
    }

    /// Whether the elements lie in row-major order without gaps.
    public var isContiguous: Bool {
        if shape.contains(0) { return true }
        var expected = 1
        for axis in shape.indices.reversed() where shape[axis] != 1 {
            guard strides[axis] == expected else { return false }
            expected *= shape[axis]
        }
        return true
    }

    /// The tensor as a dense array: borrowed from the storage where it is contiguous, gathered into memory otherwise.
    public func contiguous() -> StoredTensor {
        let size = elementType.byteCount
        if shape.contains(0) { return StoredTensor(elementType: elementType, shape: shape, bytes: []) }
        return storage.elements.withUnsafeBytes { source in
            // SAFETY: not empty, so its storage is not empty either, and a buffer with bytes has an address. The checks
            // made when the tensor was read keep every index below within the storage.
            let base = source.baseAddress! + offset * size
            if isContiguous { return StoredTensor(elementType: elementType, shape: shape, owner: storage, pointer: base) }
            return StoredTensor(elementType: elementType, shape: shape) { target in
                var index = [Int](repeating: 0, count: shape.count)
                var element = 0
                for start in stride(from: 0, to: target.count, by: size) {
                    target.baseAddress?.advanced(by: start).copyMemory(from: base + element * size, byteCount: size)
                    var axis = shape.count - 1
                    while axis >= 0 {
                        index[axis] += 1
                        element += strides[axis]
                        if index[axis] < shape[axis] { break }
                        element -= strides[axis] * shape[axis]
                        index[axis] = 0
                        axis -= 1
                    }
                }
            }
        }
    }
}
