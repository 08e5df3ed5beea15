import CPJRT

/// A value that a client is created with, or a compiler's flag is set to.
public enum OptionValue: Sendable, Hashable {
    case string(String)
    case integer(Int64)
    case boolean(Bool)
    case real(Float)
}

/// Options as the plugin reads them, in memory that lasts as long as this.
final class NamedValues {
    private(set) var values: [PjrtNamedValue] = []
    private var strings: [UnsafeMutablePointer<CChar>] = []

    init(_ options: [(name: String, value: OptionValue)]) {
        for (name, value) in options {
            var named = PjrtNamedValue()
            named.struct_size = MemoryLayout<PjrtNamedValue>.size
            (named.name, named.name_size, named.value_size) = (keep(name), name.utf8.count, 1)
            switch value {
            case .string(let string):
                named.type = Int32(PJRT_VALUE_STRING.rawValue)
                (named.value.string, named.value_size) = (keep(string), string.utf8.count)
            case .integer(let integer):
                (named.type, named.value.integer) = (Int32(PJRT_VALUE_INT64.rawValue), integer)
            case .boolean(let boolean):
                (named.type, named.value.boolean) = (Int32(PJRT_VALUE_BOOL.rawValue), boolean)
            case .real(let real):
                (named.type, named.value.real) = (Int32(PJRT_VALUE_FLOAT.rawValue), real)
            }
            values.append(named)
        }
    }

    deinit { for string in strings { string.deallocate() } }

    private func keep(_ string: String) -> UnsafePointer<CChar> {
        let bytes = Array(string.utf8CString), copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
        copy.initialize(from: bytes, count: bytes.count)
        strings.append(copy)
        return UnsafePointer(copy)
    }
}
