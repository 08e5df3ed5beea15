import OrderedCollections

extension SafeTensorsFault: Error {}

/// The JSON header of a safetensors file.
///
/// It has a scanner of its own because a general JSON parser hides duplicate keys and key order, and recurses as deep as
/// its input asks; here the grammar is fixed: an object of tensors, each an object of three known fields.
struct SafeTensorsHeader {
    struct Entry {
        let elementType: ElementType
        let shape: [Int]
        let begin: Int
        let end: Int
    }

    private(set) var entries: OrderedDictionary<String, Entry> = [:]
    private(set) var metadata: OrderedDictionary<String, String> = [:]

    init(parsing bytes: UnsafeRawBufferPointer) throws(SafeTensorsFault) {
        guard String(validating: bytes, as: UTF8.self) != nil else { throw .headerNotUTF8 }
        guard bytes.first == UInt8(ascii: "{") else { throw .headerStart(byte: bytes.first ?? 0) }
        var scanner = JSONScanner(bytes: bytes)
        var seen: Set<String> = []
        var members = JSONMembers()
        while let key = try scanner.nextKey(&members) {
            guard seen.insert(key).inserted else { throw .duplicateKey(key) }
            if key == "__metadata__" {
                metadata = try Self.metadata(&scanner)
            } else {
                entries[key] = try Self.entry(key, &scanner)
            }
        }
        try scanner.expectEnd()
    }

    private static func metadata(_ scanner: inout JSONScanner) throws(SafeTensorsFault) -> OrderedDictionary<String, String> {
        var result: OrderedDictionary<String, String> = [:]
        var members = JSONMembers()
        while let key = try scanner.nextKey(&members) {
            guard result[key] == nil else { throw .duplicateKey(key) }
            result[key] = try scanner.string()
        }
        return result
    }

    private static func entry(_ name: String, _ scanner: inout JSONScanner) throws(SafeTensorsFault) -> Entry {
        var dtype: String?
        var shape: [Int]?
        var offsets: [Int]?
        var members = JSONMembers()
        while let key = try scanner.nextKey(&members) {
            switch key {
            case "dtype" where dtype == nil: dtype = try scanner.string()
            case "shape" where shape == nil: shape = try scanner.integers()
            case "data_offsets" where offsets == nil: offsets = try scanner.integers()
            case "dtype", "shape", "data_offsets": throw .duplicateKey("\(name).\(key)")
            default: throw .headerSyntax(offset: scanner.position, expected: "dtype, shape or data_offsets")
            }
        }
        guard let dtype else { throw .missingField(tensor: name, field: "dtype") }
        guard let shape else { throw .missingField(tensor: name, field: "shape") }
        guard let offsets, offsets.count == 2 else { throw .missingField(tensor: name, field: "data_offsets") }
        guard let elementType = ElementType(safeTensorsName: dtype) else {
            throw .unknownDtype(tensor: name, dtype: dtype)
        }
        return Entry(elementType: elementType, shape: shape, begin: offsets[0], end: offsets[1])
    }

    /// Checks that the tensors, sorted by position, cover `dataBytes` bytes one after the other.
    func checkLayout(dataBytes: Int) throws(SafeTensorsFault) {
        var position = 0
        for (name, entry) in entries.sorted(by: { ($0.value.begin, $0.value.end) < ($1.value.begin, $1.value.end) }) {
            guard entry.begin == position, entry.end >= entry.begin else {
                throw .offsets(tensor: name, begin: entry.begin, end: entry.end, expectedBegin: position)
            }
            guard let bytes = entry.elementType.byteCount(shape: entry.shape) else {
                throw .sizeOverflow(tensor: name, shape: entry.shape)
            }
            guard bytes == entry.end - entry.begin else {
                throw .size(tensor: name, shape: entry.shape, expectedBytes: bytes, bytes: entry.end - entry.begin)
            }
            position = entry.end
        }
        guard position == dataBytes else { throw .dataBytes(expected: position, got: dataBytes) }
    }
}

/// Where a scan of one JSON object stands: before its first member or after some.
private struct JSONMembers {
    var started = false
}

/// Reads the JSON constructs that a safetensors header may contain; never recursive.
private struct JSONScanner {
    let bytes: UnsafeRawBufferPointer
    private(set) var position = 0

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The next member's key with its colon consumed, or nil after the closing brace.
    mutating func nextKey(_ members: inout JSONMembers) throws(SafeTensorsFault) -> String? {
        if !members.started {
            members.started = true
            try expect("{")
            if take("}") { return nil }
        } else {
            if take("}") { return nil }
            try expect(",")
        }
        let key = try string()
        try expect(":")
        return key
    }

    mutating func integers() throws(SafeTensorsFault) -> [Int] {
        try expect("[")
        var result: [Int] = []
        if take("]") { return result }
        repeat { result.append(try integer()) } while take(",")
        try expect("]")
        return result
    }

    mutating func integer() throws(SafeTensorsFault) -> Int {
        skipSpace()
        let start = position
        var value = 0
        while position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]) {
            let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tenfold.addingReportingOverflow(Int(bytes[position] - UInt8(ascii: "0")))
            guard !overflow, !carry else { throw .headerSyntax(offset: start, expected: "an integer below 2^63") }
            value = sum
            position += 1
        }
        let digits = position - start
        guard digits > 0, digits == 1 || bytes[start] != UInt8(ascii: "0") else {
            throw .headerSyntax(offset: start, expected: "a non-negative integer")
        }
        return value
    }

    mutating func string() throws(SafeTensorsFault) -> String {
        try expect("\"")
        var units: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: units, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape(into: &units)
            case 0..<0x20: throw .headerSyntax(offset: position - 1, expected: "no control character in a string")
            default: units.append(byte)
            }
        }
        throw .headerSyntax(offset: position, expected: "the end of a string")
    }

    private mutating func escape(into units: inout [UInt8]) throws(SafeTensorsFault) {
        let start = position
        guard position < bytes.count else { throw .headerSyntax(offset: start, expected: "an escape") }
        let letter = bytes[position]
        position += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): units.append(letter)
        case UInt8(ascii: "b"): units.append(0x08)
        case UInt8(ascii: "f"): units.append(0x0C)
        case UInt8(ascii: "n"): units.append(0x0A)
        case UInt8(ascii: "r"): units.append(0x0D)
        case UInt8(ascii: "t"): units.append(0x09)
        case UInt8(ascii: "u"):
            var code = try hexadecimal()
            if (0xD800..<0xDC00).contains(code), bytes.slice(at: position, length: 2)?.elementsEqual("\\u".utf8) == true {
                position += 2
                let low = try hexadecimal()
                guard (0xDC00..<0xE000).contains(low) else {
                    throw .headerSyntax(offset: start, expected: "a pair of surrogates")
                }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else {
                throw .headerSyntax(offset: start, expected: "a Unicode scalar")
            }
            units.append(contentsOf: String(Character(scalar)).utf8)
        default: throw .headerSyntax(offset: start, expected: "a known escape")
        }
    }

    private mutating func hexadecimal() throws(SafeTensorsFault) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard position < bytes.count,
                let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue
            else { throw .headerSyntax(offset: position, expected: "four hexadecimal digits") }
            code = code << 4 | UInt32(digit)
            position += 1
        }
        return code
    }

    mutating func expectEnd() throws(SafeTensorsFault) {
        skipSpace()
        guard position == bytes.count else { throw .headerSyntax(offset: position, expected: "the end of the header") }
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(SafeTensorsFault) {
        guard take(character) else { throw .headerSyntax(offset: position, expected: "'\(character)'") }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }
}
