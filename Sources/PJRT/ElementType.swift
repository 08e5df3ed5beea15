import CPJRT

/// Types of a buffer's elements.
public enum ElementType: Sendable, CaseIterable {
    case bool, s32, s64, u8, u32, f32, f64, bf16

    /// Bytes of one element.
    public var byteSize: Int {
        switch self {
        case .s64, .f64: 8
        case .s32, .u32, .f32: 4
        case .bf16: 2
        case .bool, .u8: 1
        }
    }

    var code: Int32 {
        let code =
            switch self {
            case .bool: PJRT_TYPE_PRED
            case .s32: PJRT_TYPE_S32
            case .s64: PJRT_TYPE_S64
            case .u8: PJRT_TYPE_U8
            case .u32: PJRT_TYPE_U32
            case .f32: PJRT_TYPE_F32
            case .f64: PJRT_TYPE_F64
            case .bf16: PJRT_TYPE_BF16
            }
        return Int32(code.rawValue)
    }
}
