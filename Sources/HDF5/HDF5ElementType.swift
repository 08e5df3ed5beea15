import CHDF5

/// What an array's elements are, as far as datasets use it.
enum HDF5ElementType: Hashable, Codable, Sendable, CustomStringConvertible {
    case integer(bits: Int, isSigned: Bool)
    case float(bits: Int)
    /// h5py's: an enumeration of one byte.
    case bool
    /// Bytes, another number of them in each row: lists, or strings of any length.
    case variableBytes
    /// As many bytes in each row, padded with zeros: strings of fixed length, or opaque values.
    case bytes(Int, isText: Bool)
    case other(String)

    init(of type: HDF5Handle) throws {
        let size = H5Tget_size(type.id)
        switch H5Tget_class(type.id) {
        case H5T_INTEGER where [1, 2, 4, 8].contains(size):
            self = .integer(bits: size * 8, isSigned: H5Tget_sign(type.id) == H5T_SGN_2)
        case H5T_FLOAT where [2, 4, 8].contains(size):
            self = .float(bits: size * 8)
        case H5T_ENUM where size == 1 && H5Tget_nmembers(type.id) == 2: self = .bool
        case H5T_VLEN:
            let base = H5Tget_super(type.id)
            defer { H5Tclose(base) }
            let isBytes = H5Tget_class(base) == H5T_INTEGER && H5Tget_size(base) == 1
            self = isBytes ? .variableBytes : .other("lists")
        case H5T_STRING: self = H5Tis_variable_str(type.id) > 0 ? .variableBytes : .bytes(size, isText: true)
        case H5T_OPAQUE: self = .bytes(size, isText: false)
        case H5T_COMPOUND: self = .other("records")
        case H5T_REFERENCE: self = .other("references")
        default: self = .other("values of \(size) bytes")
        }
    }

    /// Bytes of a stored element; 0 where they vary.
    var size: Int {
        switch self {
        case .integer(let bits, _), .float(let bits): bits / 8
        case .bool: 1
        case .bytes(let count, _): count
        case .variableBytes, .other: 0
        }
    }

    /// Bytes that an element takes where it stands: of bytes of any length, their reference.
    var storedSize: Int { self == .variableBytes ? HDF5Heap.referenceBytes : size }

    /// Bytes of an element in memory: half floats are widened.
    var memorySize: Int { self == .float(bits: 16) ? 4 : size }

    /// The library's type to read into; nil for what is not of fixed size.
    var memoryType: hid_t? {
        switch self {
        case .integer(8, true): lam_h5t_int8()
        case .integer(8, false): lam_h5t_uint8()
        case .integer(16, true): lam_h5t_int16()
        case .integer(16, false): lam_h5t_uint16()
        case .integer(32, true): lam_h5t_int32()
        case .integer(32, false): lam_h5t_uint32()
        case .integer(64, true): lam_h5t_int64()
        case .integer(_, false): lam_h5t_uint64()
        case .integer: lam_h5t_int64()
        case .float(64): lam_h5t_double()
        case .float: lam_h5t_float()
        // What needs no conversion.
        case .bool, .bytes: nil
        case .variableBytes, .other: nil
        }
    }

    /// As LeRobot's `features` spell it; nil for what has no name there.
    var dtype: String? {
        switch self {
        case .integer(let bits, let isSigned): "\(isSigned ? "int" : "uint")\(bits)"
        case .float(let bits): "float\(max(bits, 32))"
        case .bool: "bool"
        case .variableBytes, .bytes, .other: nil
        }
    }

    var description: String {
        switch self {
        case .float(16): "float16"
        case .variableBytes: "bytes of any length"
        case .bytes(let count, let isText): "\(isText ? "text" : "values") of \(count) bytes"
        case .other(let text): text
        default: dtype ?? ""
        }
    }
}
