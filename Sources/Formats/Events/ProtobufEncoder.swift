/// Writes fields in the protobuf wire format: a key of field number and kind, then the value.
package struct ProtobufEncoder {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func varint(_ field: Int, _ value: Int64) {
        key(field, kind: 0)
        bytes.append(varint: UInt64(bitPattern: value))
    }

    package mutating func double(_ field: Int, _ value: Double) {
        key(field, kind: 1)
        append(value.bitPattern)
    }

    package mutating func float(_ field: Int, _ value: Float) {
        key(field, kind: 5)
        append(value.bitPattern)
    }

    package mutating func data(_ field: Int, _ content: [UInt8]) {
        key(field, kind: 2)
        bytes.append(varint: UInt64(content.count))
        bytes.append(contentsOf: content)
    }

    package mutating func string(_ field: Int, _ text: String) { data(field, Array(text.utf8)) }

    package mutating func packed(_ field: Int, _ values: [Double]) {
        var content = ProtobufEncoder()
        for value in values { content.append(value.bitPattern) }
        data(field, content.bytes)
    }

    package mutating func message(_ field: Int, _ build: (inout ProtobufEncoder) -> Void) {
        var inner = ProtobufEncoder()
        build(&inner)
        data(field, inner.bytes)
    }

    private mutating func key(_ field: Int, kind: Int) { bytes.append(varint: UInt64(field << 3 | kind)) }

    private mutating func append<Value: FixedWidthInteger>(_ value: Value) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
}
