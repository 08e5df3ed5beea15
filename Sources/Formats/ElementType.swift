/// The element types that tensors have in files: what PyTorch, safetensors and this project share.
public enum ElementType: String, CaseIterable, Sendable {
    case f64, f32, f16, bf16, i64, i32, i16, i8, u8, bool

    /// Bytes of one element.
    public var byteCount: Int {
        switch self {
        case .f64, .i64: 8
        case .f32, .i32: 4
        case .f16, .bf16, .i16: 2
        case .i8, .u8, .bool: 1
        }
    }

    public var isFloatingPoint: Bool {
        switch self {
        case .f64, .f32, .f16, .bf16: true
        case .i64, .i32, .i16, .i8, .u8, .bool: false
        }
    }

    /// The `dtype` of a safetensors header, such as `BF16`.
    public var safeTensorsName: String { rawValue.uppercased() }

    /// The attribute of the `torch` module, such as `bfloat16`.
    public var torchName: String {
        switch self {
        case .f64: "float64"
        case .f32: "float32"
        case .f16: "float16"
        case .bf16: "bfloat16"
        case .i64: "int64"
        case .i32: "int32"
        case .i16: "int16"
        case .i8: "int8"
        case .u8: "uint8"
        case .bool: "bool"
        }
    }

    /// The storage class that torch pickles for this type, such as `BFloat16Storage` of module `torch`.
    public var torchStorageName: String {
        switch self {
        case .f64: "DoubleStorage"
        case .f32: "FloatStorage"
        case .f16: "HalfStorage"
        case .bf16: "BFloat16Storage"
        case .i64: "LongStorage"
        case .i32: "IntStorage"
        case .i16: "ShortStorage"
        case .i8: "CharStorage"
        case .u8: "ByteStorage"
        case .bool: "BoolStorage"
        }
    }

    public init?(safeTensorsName name: String) {
        guard let match = Self.allCases.first(where: { $0.safeTensorsName == name }) else { return nil }
        self = match
    }

    public init?(torchName name: String) {
        guard let match = Self.allCases.first(where: { $0.torchName == name }) else { return nil }
        self = match
    }

    public init?(torchStorageName name: String) {
        guard let match = Self.allCases.first(where: { $0.torchStorageName == name }) else { return nil }
        self = match
    }

    /// The bytes a dense array of `shape` takes, or nil where a dimension is negative or the product leaves `Int`.
    public func byteCount(shape: [Int]) -> Int? {
        var bytes = byteCount
        for dimension in shape {
            guard dimension >= 0 else { return nil }
            let (product, overflow) = bytes.multipliedReportingOverflow(by: dimension)
            if overflow { return nil }
            bytes = product
        }
        return bytes
    }
}
