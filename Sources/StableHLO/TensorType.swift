/// Types of a tensor's elements in a program.
public enum Element: String, Sendable, Hashable, CaseIterable {
    case i1, i32, i64, ui8, ui32, f32, f64, bf16

    /// Whether values have fractions.
    public var isFloating: Bool { self == .f32 || self == .f64 || self == .bf16 }

    /// Bytes of one element in memory.
    public var byteSize: Int {
        switch self {
        case .i64, .f64: 8
        case .i32, .ui32, .f32: 4
        case .bf16: 2
        case .i1, .ui8: 1
        }
    }
}

/// Element and shape of a value.
public struct TensorType: Sendable, Hashable, CustomStringConvertible {
    public let element: Element
    public let shape: [Int]

    public init(_ element: Element, _ shape: [Int]) {
        (self.element, self.shape) = (element, shape)
    }

    /// Number of elements.
    public var count: Int { shape.reduce(1, *) }

    /// As programs spell it: `tensor<2x3xf32>`.
    public var description: String {
        "tensor<" + shape.map { "\($0)x" }.joined() + element.rawValue + ">"
    }
}

/// A result of an operation, or an argument, of one `Function`.
public struct Value: Sendable, Hashable {
    /// Its place among the function's values.
    let place: Int
    public let type: TensorType

    public var shape: [Int] { type.shape }
    public var element: Element { type.element }
}
