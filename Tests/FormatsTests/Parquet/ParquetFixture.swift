/// Builds tiny Parquet files byte by byte, for what pyarrow does not write: old layouts and lies.
struct ParquetFixture {
    /// Thrift compact protocol, writing side.
    struct Thrift {
        private(set) var bytes: [UInt8] = []
        private var last = 0

        static func varint(_ value: UInt64) -> [UInt8] {
            value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7f) | 0x80] + varint(value >> 7)
        }

        private static func zigzag(_ value: Int) -> [UInt8] {
            varint(UInt64(bitPattern: Int64(value << 1 ^ value >> 63)))
        }

        /// The struct, closed.
        var closed: [UInt8] { bytes + [0] }

        private mutating func header(_ id: Int, _ type: UInt8) {
            bytes.append(UInt8(id - last) << 4 | type)
            last = id
        }

        func i32(_ id: Int, _ value: Int) -> Thrift { adding(id, 5, Self.zigzag(value)) }
        func i64(_ id: Int, _ value: Int) -> Thrift { adding(id, 6, Self.zigzag(value)) }
        func string(_ id: Int, _ value: String) -> Thrift {
            adding(id, 8, Self.varint(UInt64(value.utf8.count)) + Array(value.utf8))
        }
        func structure(_ id: Int, _ value: Thrift) -> Thrift { adding(id, 12, value.closed) }
        func list(_ id: Int, _ values: [Thrift]) -> Thrift {
            adding(id, 9, [0xfc] + Self.varint(UInt64(values.count)) + values.flatMap(\.closed))
        }

        private func adding(_ id: Int, _ type: UInt8, _ value: [UInt8]) -> Thrift {
            var copy = self
            copy.header(id, type)
            copy.bytes += value
            return copy
        }
    }

    enum Repetition: Int { case required, optional, `repeated` }

    static func group(_ name: String, _ repetition: Repetition, children: Int, converted: Int? = nil) -> Thrift {
        let element = Thrift().i32(3, repetition.rawValue).string(4, name).i32(5, children)
        return converted.map { element.i32(6, $0) } ?? element
    }

    static func leaf(_ name: String, _ repetition: Repetition, type: Int) -> Thrift {
        Thrift().i32(1, type).i32(3, repetition.rawValue).string(4, name)
    }

    /// An uncompressed version 1 page of PLAIN values.
    static func page(values: Int, _ body: [UInt8], levels: Int = 3) -> [UInt8] {
        let detail = Thrift().i32(1, values).i32(2, 0).i32(3, levels).i32(4, levels)
        return Thrift().i32(1, 0).i32(2, body.count).i32(3, body.count).structure(5, detail).closed + body
    }

    static func plain(_ values: [Int32]) -> [UInt8] {
        values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    }

    /// RLE levels of version 1: a byte count, then runs of (length, level), each level in one byte.
    static func runs(_ runs: [(length: Int, level: UInt8)]) -> [UInt8] {
        let body = runs.flatMap { Thrift.varint(UInt64($0.length) << 1) + [$0.level] }
        return plain([Int32(body.count)]) + body
    }

    /// A file of one row group with one chunk.
    static func file(
        schema: [Thrift], type: Int, rows: Int, values: Int, pages: [UInt8], externalPath: String? = nil, codec: Int = 0
    ) -> [UInt8] {
        let metadata = Thrift().i32(1, type).i32(4, codec).i64(5, values).i64(6, pages.count).i64(7, pages.count)
            .i64(9, 4)
        let chunk = (externalPath.map { Thrift().string(1, $0) } ?? Thrift()).i64(2, 0).structure(3, metadata)
        let group = Thrift().list(1, [chunk]).i64(2, pages.count).i64(3, rows)
        let footer = Thrift().i32(1, 2).list(2, schema).i64(3, rows).list(4, [group]).closed
        return Array("PAR1".utf8) + pages + footer + plain([Int32(footer.count)]) + Array("PAR1".utf8)
    }
}
