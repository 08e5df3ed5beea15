/// Pickles a value as `torch.save` does: protocol 2, tensors as references to numbered storages.
///
/// The opcodes are those that Python's pickler chooses, in its order, down to memo numbers, except that equal strings are
/// written once even where Python holds them twice.
struct PickleWriter {
    private(set) var bytes: [UInt8] = []
    /// The storages to be written as `data/0`, `data/1`, …
    private(set) var storages: [TorchStorage] = []

    private var storageKeys: [ObjectIdentifier: Int] = [:]
    private var memoCount = 0
    private var strings: [String: Int] = [:]
    private var globals: [String: Int] = [:]

    /// Python's pickler adds to containers in parts of this many entries.
    private static let batch = 1000

    init(_ root: PickleValue) {
        emit(0x80, 2)
        write(root)
        emit(0x2E)
    }

    private mutating func write(_ value: PickleValue) {
        switch value {
        case .none: emit(0x4E)
        case .bool(let value): emit(value ? 0x88 : 0x89)
        case .int(let value): write(value)
        case .bigInt(let digits): writeLong(digits)
        case .float(let value):
            emit(0x47)
            emitNumber(value.bitPattern.bigEndian)
        case .string(let text): write(text)
        case .bytes(let content):
            writeGlobal("_codecs", "encode")
            var text = String.UnicodeScalarView()
            for byte in content { text.append(Unicode.Scalar(byte)) }
            write(String(text))
            write("latin1")
            emit(0x86)
            memoize()
            reduce()
        case .list(let values): writeList(values)
        case .tuple(let values): writeTuple(values)
        case .set(let keys):
            writeGlobal("__builtin__", "set")
            writeList(keys.map(\.value))
            emit(0x85)
            memoize()
            reduce()
        case .dict(let dict):
            if dict.isOrderedDict { writeEmptyOrderedDict() } else {
                emit(0x7D)
                memoize()
            }
            writeEntries(dict)
        case .tensor(let tensor): write(tensor)
        case .size(let dimensions):
            writeGlobal("torch", "Size")
            writeTuple([.tuple(dimensions.map { .int($0) })])
            reduce()
        case .dtype(let name): writeGlobal("torch", name)
        case .device(let name):
            writeGlobal("torch", "device")
            let parts = name.split(separator: ":", maxSplits: 1)
            let index = parts.count == 2 ? Int(parts[1]) : nil
            writeTuple(index.map { [.string(String(parts[0])), .int($0)] } ?? [.string(name)])
            reduce()
        case .object(let object):
            writeGlobal(object.module, object.name)
            guard let arguments = object.arguments else { return }
            writeTuple(arguments)
            reduce()
            writeEntries(object.entries)
            if let state = object.state {
                write(state)
                emit(0x62)
            }
        }
    }

    /// `_rebuild_tensor_v2(storage, offset, sizes, strides, requires_grad, hooks)`, within `_rebuild_parameter(tensor,
    /// requires_grad, hooks)` for a parameter.
    private mutating func write(_ tensor: TorchTensor) {
        if tensor.isParameter {
            writeGlobal("torch._utils", "_rebuild_parameter")
        }
        writeGlobal("torch._utils", "_rebuild_tensor_v2")
        emit(0x28)
        writeStorage(tensor.storage)
        write(tensor.offset)
        writeTuple(tensor.shape.map { .int($0) })
        writeTuple(tensor.strides.map { .int($0) })
        emit(tensor.requiresGrad && !tensor.isParameter ? 0x88 : 0x89)
        writeEmptyOrderedDict()
        emit(0x74)
        memoize()
        reduce()
        if tensor.isParameter {
            emit(tensor.requiresGrad ? 0x88 : 0x89)
            writeEmptyOrderedDict()
            emit(0x87)
            memoize()
            reduce()
        }
    }

    private mutating func writeStorage(_ storage: TorchStorage) {
        let identity = ObjectIdentifier(storage)
        let key = storageKeys[identity] ?? storages.count
        if key == storages.count {
            storageKeys[identity] = key
            storages.append(storage)
        }
        emit(0x28)
        write("storage")
        writeGlobal("torch", storage.elements.elementType.torchStorageName)
        write("\(key)")
        write("cpu")
        write(storage.elements.count)
        emit(0x74)
        memoize()
        emit(0x51)
    }

    private mutating func writeEmptyOrderedDict() {
        writeGlobal("collections", "OrderedDict")
        emit(0x29)
        reduce()
    }

    private mutating func writeTuple(_ values: [PickleValue]) {
        if values.isEmpty { return emit(0x29) }
        if values.count > 3 { emit(0x28) }
        for value in values { write(value) }
        emit(values.count > 3 ? 0x74 : 0x84 + UInt8(values.count))
        memoize()
    }

    private mutating func writeList(_ values: [PickleValue]) {
        emit(0x5D)
        memoize()
        if values.count == 1 {
            write(values[0])
            return emit(0x61)
        }
        for start in stride(from: 0, to: values.count, by: Self.batch) {
            emit(0x28)
            for value in values[start..<min(start + Self.batch, values.count)] { write(value) }
            emit(0x65)
        }
    }

    private mutating func writeEntries(_ dict: PickleDict) {
        let entries = dict.entries.elements
        if entries.count == 1 {
            write(entries[0].key.value)
            write(entries[0].value)
            return emit(0x73)
        }
        for start in stride(from: 0, to: entries.count, by: Self.batch) {
            emit(0x28)
            for (key, value) in entries[start..<min(start + Self.batch, entries.count)] {
                write(key.value)
                write(value)
            }
            emit(0x75)
        }
    }

    private mutating func write(_ text: String) {
        if let index = strings[text] { return get(index) }
        emit(0x58)
        emitNumber(UInt32(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
        strings[text] = memoCount
        memoize()
    }

    private mutating func writeGlobal(_ module: String, _ name: String) {
        let line = "\(module)\n\(name)\n"
        if let index = globals[line] { return get(index) }
        emit(0x63)
        bytes.append(contentsOf: line.utf8)
        globals[line] = memoCount
        memoize()
    }

    private mutating func write(_ value: Int) {
        switch value {
        case 0...0xFF: emit(0x4B, UInt8(value))
        case 0x100...0xFFFF:
            emit(0x4D)
            emitNumber(UInt16(value))
        case Int(Int32.min)...Int(Int32.max):
            emit(0x4A)
            emitNumber(Int32(value))
        default:
            var digits = withUnsafeBytes(of: value.littleEndian) { [UInt8]($0) }
            // Python drops leading bytes that only repeat the sign.
            while let last = digits.last, last == 0 || last == 0xFF, digits.count > 1,
                digits[digits.count - 2] & 0x80 == last & 0x80
            { digits.removeLast() }
            writeLong(digits)
        }
    }

    private mutating func writeLong(_ digits: [UInt8]) {
        if digits.count < 256 { emit(0x8A, UInt8(digits.count)) } else {
            emit(0x8B)
            emitNumber(Int32(digits.count))
        }
        bytes.append(contentsOf: digits)
    }

    private mutating func reduce() {
        emit(0x52)
        memoize()
    }

    private mutating func memoize() {
        if memoCount < 256 { emit(0x71, UInt8(memoCount)) } else {
            emit(0x72)
            emitNumber(UInt32(memoCount))
        }
        memoCount += 1
    }

    private mutating func get(_ index: Int) {
        if index < 256 { emit(0x68, UInt8(index)) } else {
            emit(0x6A)
            emitNumber(UInt32(index))
        }
    }

    private mutating func emit(_ values: UInt8...) { bytes.append(contentsOf: values) }

    private mutating func emitNumber<Value: FixedWidthInteger>(_ value: Value) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
}

extension PickleKey {
    /// The key as a value.
    public var value: PickleValue {
        switch self {
        case .none: .none
        case .bool(let value): .bool(value)
        case .int(let value): .int(value)
        case .float(let value): .float(value)
        case .string(let value): .string(value)
        case .bytes(let value): .bytes(value)
        case .tuple(let keys): .tuple(keys.map(\.value))
        }
    }
}
