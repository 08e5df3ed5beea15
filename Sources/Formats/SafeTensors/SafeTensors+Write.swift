import OrderedCollections

extension SafeTensors {
    /// Writes a safetensors file, whole or not at all.
    ///
    /// The data lies as the reference implementation puts it, by falling alignment and then by name, so that every
    /// tensor is aligned; the header keeps the order given and is padded with spaces to a multiple of 8.
    /// - Throws: `FormatError.io`, or `reservedName` for a tensor called `__metadata__`.
    public static func write(
        _ tensors: OrderedDictionary<String, StoredTensor>, metadata: OrderedDictionary<String, String> = [:],
        to path: String
    ) throws(FormatError) {
        guard tensors["__metadata__"] == nil else { throw .safeTensors(path: path, .reservedName("__metadata__")) }
        let order = tensors.elements.sorted {
            ($1.value.elementType.byteCount, $0.key) < ($0.value.elementType.byteCount, $1.key)
        }
        var begins: [String: Int] = [:]
        var position = 0
        for (name, tensor) in order {
            begins[name] = position
            position += tensor.byteCount
        }

        var members: [String] = []
        if !metadata.isEmpty {
            let pairs = metadata.map { "\(quoted($0.key)):\(quoted($0.value))" }
            members.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
        }
        for (name, tensor) in tensors {
            let begin = begins[name, default: 0]
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            members.append(
                "\(quoted(name)):{\"dtype\":\"\(tensor.elementType.safeTensorsName)\",\"shape\":[\(shape)],"
                    + "\"data_offsets\":[\(begin),\(begin + tensor.byteCount)]}")
        }
        var header = Array("{\(members.joined(separator: ","))}".utf8)
        while !header.count.isMultiple(of: 8) { header.append(UInt8(ascii: " ")) }
        guard header.count <= maximumHeaderBytes else {
            throw .safeTensors(path: path, .headerTooLarge(headerBytes: UInt64(header.count)))
        }

        let file = try AtomicFile(path: path)
        try file.write(withUnsafeBytes(of: UInt64(header.count).littleEndian) { [UInt8]($0) })
        try file.write(header)
        for (_, tensor) in order {
            try tensor.withUnsafeBytes { (bytes) throws(FormatError) in try file.write(bytes) }
        }
        try file.commit()
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\u{0}"..<"\u{20}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
