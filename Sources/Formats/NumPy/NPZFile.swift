/// Arrays in NumPy's `.npz`: a zip archive with an `.npy` file of format 1.0 for each, uncompressed. `numpy.load` reads them
/// without `allow_pickle`.
///
/// Source: NumPy's documentation of `numpy.lib.format`.
public enum NPZFile {
    /// One array, row by row.
    public struct Item: Sendable {
        public enum Values: Sendable, Equatable {
            case floats([Float])
            case int64s([Int64])
            case bools([Bool])
        }

        public let name: String
        public let shape: [Int]
        public let values: Values

        /// - Precondition: as many values as the shape says.
        public init(_ name: String, shape: [Int], _ values: Values) {
            let count =
                switch values {
                case .floats(let values): values.count
                case .int64s(let values): values.count
                case .bools(let values): values.count
                }
            precondition(shape.reduce(1, *) == count, "\(count) values of shape \(shape)")
            (self.name, self.shape, self.values) = (name, shape, values)
        }
    }

    /// Writes a file that appears whole or not at all.
    ///
    /// - Throws: `FormatError` of the disk.
    public static func write(_ items: [Item], to path: String) throws {
        try AtomicFile.write(to: path) { file throws(FormatError) in try archive(items, in: file) }
    }

    private static func archive(_ items: [Item], in file: AtomicFile) throws(FormatError) {
        var archive = ZipWriter(file)
        for item in items {
            try npy(item).withBytes { (bytes) throws(FormatError) in try archive.add("\(item.name).npy", bytes) }
        }
        try archive.finish()
    }

    /// The bytes of an `.npy` file.
    static func npy(_ item: Item) -> [UInt8] {
        let type: String
        var data: [UInt8] = []
        switch item.values {
        case .floats(let values):
            type = "<f4"
            data = values.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian) { [UInt8]($0) } }
        case .int64s(let values):
            type = "<i8"
            data = values.flatMap { withUnsafeBytes(of: $0.littleEndian) { [UInt8]($0) } }
        case .bools(let values):
            type = "|b1"
            data = values.map { $0 ? 1 : 0 }
        }
        let shape = "(" + item.shape.map { "\($0), " }.joined() + ")"
        let header = "{'descr': '\(type)', 'fortran_order': False, 'shape': \(shape), }"
        // Magic, version and length take 10 bytes; data begin at a multiple of 64.
        let padding = (64 - (10 + header.utf8.count + 1) % 64) % 64
        let text = header + String(repeating: " ", count: padding) + "\n"
        let length = UInt16(text.utf8.count)
        return [0x93] + "NUMPY".utf8 + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)] + text.utf8 + data
    }
}
