import CCompression

extension ParquetFile {
    /// Rows in a row group.
    private static let rowsPerGroup = 100_000
    private static let createdBy = "lam"

    /// Writes columns as a Parquet file, which appears whole or not at all.
    ///
    /// PLAIN values in data pages of version 1, compressed with Zstandard where that makes them smaller; a page per leaf
    /// and row group. Lists have three levels, every value may be null: as Arrow writes them.
    ///
    /// - Parameters:
    ///   - groups: sizes of row groups; their sum is the number of rows. Nil cuts where groups get large.
    ///   - keyValueMetadata: for example `huggingface` or `pandas`.
    /// - Precondition: all columns have as many values.
    /// - Throws: `FormatError.io`.
    public static func write(
        _ columns: [ParquetColumn], to path: String, groups: [Int]? = nil,
        keyValueMetadata: [(key: String, value: String)] = []
    ) throws {
        let rows = columns.first?.values.count ?? 0
        for column in columns {
            precondition(column.values.count == rows, "\(column.values.count) values of \(column.name) in \(rows) rows")
        }
        let sizes =
            groups
            ?? stride(from: 0, to: rows, by: rowsPerGroup).map { min(rowsPerGroup, rows - $0) }
        precondition(sizes.reduce(0, +) == rows, "row groups \(sizes) of \(rows) rows")
        try AtomicFile.write(to: path) { file in
            try file.write(Array("PAR1".utf8))
            var written: [WrittenGroup] = []
            var first = 0
            for size in sizes {
                var chunks: [WrittenChunk] = []
                for leaf in columns.flatMap({ LeafWriter.leaves(of: $0, rows: first..<first + size) }) {
                    chunks.append(try append(leaf, to: file))
                }
                written.append(WrittenGroup(rows: size, chunks: chunks))
                first += size
            }
            let footer = footer(columns, rows: rows, groups: written, keyValueMetadata)
            try file.write(footer)
            try file.write(withUnsafeBytes(of: UInt32(footer.count).littleEndian) { Array($0) } + Array("PAR1".utf8))
        }
    }

    private struct WrittenGroup {
        let rows: Int
        let chunks: [WrittenChunk]
    }

    private struct WrittenChunk {
        let path: [String]
        let type: ParquetType
        let count: Int
        let offset: Int
        let bytes: Int
        let uncompressedBytes: Int
        let isCompressed: Bool
    }

    private static func append(_ leaf: LeafWriter, to file: AtomicFile) throws -> WrittenChunk {
        let body = leaf.page
        let compressed = Codec.zstdCompressed(body)
        let isCompressed = compressed.map { $0.count < body.count } ?? false
        let stored = isCompressed ? compressed ?? body : body
        var header = ThriftCompactWriter()
        header.int32(1, 0)
        header.int32(2, body.count)
        header.int32(3, stored.count)
        header.structure(5) {
            $0.int32(1, leaf.count)
            // PLAIN values, RLE levels.
            $0.int32(2, 0)
            $0.int32(3, 3)
            $0.int32(4, 3)
        }
        header.end()
        let offset = file.count
        try file.write(header.bytes)
        try file.write(stored)
        return WrittenChunk(
            path: leaf.path, type: leaf.type, count: leaf.count, offset: offset,
            bytes: header.bytes.count + stored.count, uncompressedBytes: header.bytes.count + body.count,
            isCompressed: isCompressed)
    }

    private static func footer(
        _ columns: [ParquetColumn], rows: Int, groups: [WrittenGroup], _ metadata: [(key: String, value: String)]
    ) -> [UInt8] {
        var schema = [Element(name: "schema", type: nil, children: columns.count, repetition: nil, isList: false)]
        for column in columns { Element.collect(column.name, column.type, into: &schema) }
        var footer = ThriftCompactWriter()
        footer.int32(1, 1)
        footer.structures(2, schema) { $1.write(&$0) }
        footer.int64(3, rows)
        footer.structures(4, groups) { thrift, group in
            thrift.structures(1, group.chunks) { thrift, chunk in
                thrift.int64(2, chunk.offset)
                thrift.structure(3) {
                    $0.int32(1, chunk.type.physical)
                    $0.int32s(2, [0, 3])
                    $0.strings(3, chunk.path)
                    $0.int32(4, chunk.isCompressed ? Codec.zstd.rawValue : Codec.uncompressed.rawValue)
                    $0.int64(5, chunk.count)
                    $0.int64(6, chunk.uncompressedBytes)
                    $0.int64(7, chunk.bytes)
                    $0.int64(9, chunk.offset)
                }
            }
            thrift.int64(2, group.chunks.reduce(0) { $0 + $1.uncompressedBytes })
            thrift.int64(3, group.rows)
        }
        if !metadata.isEmpty {
            footer.structures(5, metadata) {
                $0.string(1, $1.key)
                $0.string(2, $1.value)
            }
        }
        footer.string(6, createdBy)
        footer.end()
        return footer.bytes
    }
}

/// A node of the schema as the footer lists it.
private struct Element {
    let name: String
    /// Of a leaf.
    let type: ParquetType?
    let children: Int
    /// Nil for the root.
    let repetition: Repetition?
    let isList: Bool

    static func collect(_ name: String, _ type: ParquetType, into elements: inout [Element]) {
        func add(_ name: String, _ children: Int, _ repetition: Repetition, isList: Bool = false) {
            elements.append(
                Element(name: name, type: nil, children: children, repetition: repetition, isList: isList))
        }
        switch type {
        case .list(let element):
            add(name, 1, .optional, isList: true)
            add("list", 1, .repeated)
            collect("element", element, into: &elements)
        case .structure(let fields):
            add(name, fields.count, .optional)
            for field in fields { collect(field.name, field.type, into: &elements) }
        default:
            elements.append(Element(name: name, type: type, children: 0, repetition: .optional, isList: false))
        }
    }

    func write(_ thrift: inout ThriftCompactWriter) {
        if let type { thrift.int32(1, type.physical) }
        if let repetition { thrift.int32(3, repetition == .optional ? 1 : 2) }
        thrift.string(4, name)
        if type == nil { thrift.int32(5, children) }
        switch type {
        case nil:
            guard isList else { return }
            thrift.int32(6, 3)
            thrift.structure(10) { $0.structure(3) { _ in } }
        case .string:
            thrift.int32(6, 0)
            thrift.structure(10) { $0.structure(1) { _ in } }
        case .integer(let bits, let isSigned) where !isSigned || bits < 32:
            let converted = [8: 11, 16: 12, 32: 13, 64: 14][bits, default: 14] + (isSigned ? 4 : 0)
            thrift.int32(6, converted)
            thrift.structure(10) {
                $0.structure(10) {
                    $0.int8(1, bits)
                    $0.bool(2, isSigned)
                }
            }
        default: break
        }
    }
}

extension ParquetType {
    /// Number of the physical type.
    fileprivate var physical: Int {
        switch self {
        case .bool: 0
        case .integer(64, _): 2
        case .integer: 1
        case .float: 4
        case .double: 5
        case .string, .bytes: 6
        case .list, .structure: preconditionFailure("\(self) is no leaf")
        }
    }
}

extension Codec {
    /// Nil if the compressor fails.
    fileprivate static func zstdCompressed(_ bytes: [UInt8]) -> [UInt8]? {
        guard !bytes.isEmpty else { return nil }
        let room = ZSTD_compressBound(bytes.count)
        var isSound = true
        let output = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
            // SAFETY: both buffers are not empty, and the compressor is told their sizes.
            let written = ZSTD_compress(buffer.baseAddress, room, bytes, bytes.count, 3)
            isSound = ZSTD_isError(written) == 0
            count = isSound ? written : 0
        }
        return isSound ? output : nil
    }
}
