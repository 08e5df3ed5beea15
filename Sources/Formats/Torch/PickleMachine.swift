/// The pickle virtual machine, reduced to what tensor files need: it builds data and calls nothing.
///
/// Opcodes of protocols 2 to 5 as torch and Lightning write them. A global that `PickleGlobal` does not know is refused
/// by its name as soon as it is mentioned. Every length is checked against the bytes left before anything is allocated,
/// and every value costs at least a byte of input, so memory is bounded by a multiple of the file's size.
struct PickleMachine {
    private typealias Index = PickleGraph.Index

    private let bytes: UnsafeRawBufferPointer
    /// Where the next opcode starts; after `run`, the first byte behind the pickle.
    private(set) var position: Int
    private(set) var graph = PickleGraph()
    private var stack: [Index] = []
    /// Heights of `stack` at which marks stand.
    private var marks: [Int] = []
    /// A dictionary, because a file may choose any 32-bit number as the key of its only entry.
    private var memo: [Int: Index] = [:]

    init(bytes: UnsafeRawBufferPointer, position: Int = 0) {
        self.bytes = bytes
        self.position = position
    }

    /// Runs until STOP and returns the root's index in `graph`.
    mutating func run() throws(PickleFault) -> PickleGraph.Index {
        while true {
            let opcode = try take(UInt8.self)
            if opcode == Opcode.stop.rawValue { return try pop() }
            guard let known = Opcode(rawValue: opcode) else { throw .unknownOpcode(opcode) }
            try execute(known)
        }
    }

    private enum Opcode: UInt8 {
        case mark = 0x28, emptyTuple = 0x29, stop = 0x2E, pop = 0x30, popMark = 0x31
        case binBytes = 0x42, shortBinBytes = 0x43, binFloat = 0x47, binInt = 0x4A, binInt1 = 0x4B, binInt2 = 0x4D
        case none = 0x4E, binPersistentID = 0x51, reduce = 0x52, binString = 0x54, shortBinString = 0x55
        case binUnicode = 0x58, emptyList = 0x5D, append = 0x61, build = 0x62, global = 0x63, appends = 0x65
        case binGet = 0x68, longBinGet = 0x6A, binPut = 0x71, longBinPut = 0x72, setItem = 0x73, tuple = 0x74
        case setItems = 0x75, emptyDict = 0x7D, proto = 0x80, newObject = 0x81
        case tuple1 = 0x85, tuple2 = 0x86, tuple3 = 0x87, newTrue = 0x88, newFalse = 0x89, long1 = 0x8A, long4 = 0x8B
        case shortBinUnicode = 0x8C, binUnicode8 = 0x8D, binBytes8 = 0x8E, emptySet = 0x8F, addItems = 0x90
        case stackGlobal = 0x93, memoize = 0x94, frame = 0x95, byteArray8 = 0x96
    }

    private mutating func execute(_ opcode: Opcode) throws(PickleFault) {
        switch opcode {
        case .stop: preconditionFailure("STOP ends the loop in run()")
        case .proto:
            let version = try take(UInt8.self)
            guard 2...5 ~= version else { throw .protocolVersion(Int(version)) }
        case .frame: try checkRemaining(take(UInt64.self))
        case .mark: marks.append(stack.count)
        case .pop: if stack.count == marks.last { marks.removeLast() } else { _ = try pop() }
        case .popMark: _ = try popToMark()

        case .none: try push(.none)
        case .newTrue: try push(.bool(true))
        case .newFalse: try push(.bool(false))
        case .binInt: try push(.int(Int(take(Int32.self))))
        case .binInt1: try push(.int(Int(take(UInt8.self))))
        case .binInt2: try push(.int(Int(take(UInt16.self))))
        case .long1: try pushLong(byteCount: UInt64(take(UInt8.self)))
        case .long4:
            let count = try take(Int32.self)
            guard count >= 0 else { throw .arguments(of: "LONG4", expected: "a length that is not negative") }
            try pushLong(byteCount: UInt64(count))
        case .binFloat: try push(.float(Double(bitPattern: take(UInt64.self).byteSwapped)))

        case .binUnicode: try pushString(byteCount: UInt64(take(UInt32.self)))
        case .shortBinUnicode: try pushString(byteCount: UInt64(take(UInt8.self)))
        case .binUnicode8: try pushString(byteCount: take(UInt64.self))
        case .shortBinString: try pushString(byteCount: UInt64(take(UInt8.self)))
        case .binString: try pushString(byteCount: UInt64(take(UInt32.self)))
        case .binBytes: try push(.bytes([UInt8](takeBytes(UInt64(take(UInt32.self))))))
        case .shortBinBytes: try push(.bytes([UInt8](takeBytes(UInt64(take(UInt8.self))))))
        case .binBytes8, .byteArray8: try push(.bytes([UInt8](takeBytes(take(UInt64.self)))))

        case .emptyTuple: try push(.tuple([]))
        case .tuple: try push(.tuple(popToMark()))
        case .tuple1: try push(.tuple(pop(count: 1)))
        case .tuple2: try push(.tuple(pop(count: 2)))
        case .tuple3: try push(.tuple(pop(count: 3)))
        case .emptyList: try push(.list([]))
        case .append: try append(pop(count: 1))
        case .appends: try append(popToMark())
        case .emptySet: try push(.set([]))
        case .addItems: try addItems(popToMark())
        case .emptyDict: try push(.dict([], isOrderedDict: false))
        case .setItem: try setItems(pop(count: 2))
        case .setItems: try setItems(popToMark())

        case .binGet: try get(Int(take(UInt8.self)))
        case .longBinGet: try get(Int(take(UInt32.self)))
        case .binPut: try put(Int(take(UInt8.self)))
        case .longBinPut: try put(Int(take(UInt32.self)))
        case .memoize: try put(memo.count)

        case .global: try pushGlobal(module: takeLine(), name: takeLine())
        case .stackGlobal:
            let names = try pop(count: 2)
            guard case .string(let module) = node(names[0]), case .string(let name) = node(names[1]) else {
                throw .malformedGlobal
            }
            try pushGlobal(module: module, name: name)
        case .binPersistentID: try pushStorage(pop())
        case .reduce, .newObject:
            let operands = try pop(count: 2)
            try call(operands[0], operands[1])
        case .build: try build()
        }
    }
}

// MARK: Input and stack

extension PickleMachine {
    private func checkRemaining(_ count: UInt64) throws(PickleFault) {
        guard count <= UInt64(bytes.count - position) else {
            throw .truncated(needed: count, remaining: bytes.count - position)
        }
    }

    private mutating func take<Value: FixedWidthInteger & BitwiseCopyable>(_: Value.Type) throws(PickleFault) -> Value {
        guard let value = bytes.integer(Value.self, at: position) else {
            throw .truncated(needed: UInt64(MemoryLayout<Value>.size), remaining: bytes.count - position)
        }
        position += MemoryLayout<Value>.size
        return value
    }

    private mutating func takeBytes(_ count: UInt64) throws(PickleFault) -> UnsafeRawBufferPointer {
        try checkRemaining(count)
        let start = position
        position += Int(count)
        return UnsafeRawBufferPointer(rebasing: bytes[start..<position])
    }

    private mutating func takeLine() throws(PickleFault) -> String {
        // No module or class has a longer name; without a limit a file without line ends would be scanned again and again.
        let limit = min(bytes.count, position + 1024)
        guard let end = bytes[position..<limit].firstIndex(of: UInt8(ascii: "\n")),
            let line = String(validating: bytes[position..<end], as: UTF8.self)
        else { throw .malformedGlobal }
        position = end + 1
        return line
    }

    private func node(_ index: Index) -> PickleGraph.Node { graph.nodes[Int(index)] }

    private mutating func push(_ node: PickleGraph.Node) throws(PickleFault) {
        guard graph.nodes.count < PickleGraph.maximumValues else {
            throw .tooManyValues(limit: PickleGraph.maximumValues)
        }
        stack.append(Index(graph.nodes.count))
        graph.nodes.append(node)
    }

    private mutating func pushString(byteCount: UInt64) throws(PickleFault) {
        guard let string = String(validating: try takeBytes(byteCount), as: UTF8.self) else { throw .notUTF8 }
        try push(.string(string))
    }

    private mutating func pushLong(byteCount: UInt64) throws(PickleFault) {
        let digits = try takeBytes(byteCount)
        guard digits.count <= 8 else { return try push(.bigInt([UInt8](digits))) }
        var value: Int64 = digits.last.map { $0 & 0x80 == 0 ? 0 : -1 } ?? 0
        for digit in digits.reversed() { value = value << 8 | Int64(digit) }
        try push(.int(Int(value)))
    }

    private func top() throws(PickleFault) -> Index {
        guard let index = stack.last, stack.count > marks.last ?? 0 else { throw .stackUnderflow }
        return index
    }

    private mutating func pop() throws(PickleFault) -> Index {
        let index = try top()
        stack.removeLast()
        return index
    }

    private mutating func pop(count: Int) throws(PickleFault) -> [Index] {
        guard stack.count - (marks.last ?? 0) >= count else { throw .stackUnderflow }
        defer { stack.removeLast(count) }
        return Array(stack.suffix(count))
    }

    private mutating func popToMark() throws(PickleFault) -> [Index] {
        guard let height = marks.popLast() else { throw .noMark }
        defer { stack.removeSubrange(height...) }
        return Array(stack[height...])
    }

    private mutating func put(_ key: Int) throws(PickleFault) {
        guard memo.count < PickleGraph.maximumValues else { throw .tooManyValues(limit: PickleGraph.maximumValues) }
        memo[key] = try top()
    }

    private mutating func get(_ key: Int) throws(PickleFault) {
        guard let index = memo[key] else { throw .undefinedMemo(key) }
        // A stack of references costs two bytes of input each; real pickles keep it as short as their longest container.
        guard stack.count < PickleGraph.maximumValues else { throw .tooManyValues(limit: PickleGraph.maximumValues) }
        stack.append(index)
    }
}

// MARK: Containers

extension PickleMachine {
    private mutating func append(_ items: [Index]) throws(PickleFault) {
        let target = Int(try top())
        guard case .list(var elements) = graph.nodes[target] else { throw .target(opcode: "APPEND") }
        // Leaves the array with one owner, so that appending item by item stays linear.
        graph.nodes[target] = .none
        elements.append(contentsOf: items)
        graph.nodes[target] = .list(elements)
    }

    private mutating func addItems(_ items: [Index]) throws(PickleFault) {
        let target = Int(try top())
        guard case .set(var elements) = graph.nodes[target] else { throw .target(opcode: "ADDITEMS") }
        graph.nodes[target] = .none
        elements.append(contentsOf: items)
        graph.nodes[target] = .set(elements)
    }

    private mutating func setItems(_ items: [Index]) throws(PickleFault) {
        guard items.count.isMultiple(of: 2) else { throw .stackUnderflow }
        for key in stride(from: 0, to: items.count, by: 2) {
            switch node(items[key]) {
            case .list, .dict, .set, .tensor, .storage, .object: throw .unhashableKey
            default: break
            }
        }
        let target = Int(try top())
        switch graph.nodes[target] {
        case .dict(var entries, let isOrderedDict):
            graph.nodes[target] = .none
            entries.append(contentsOf: items)
            graph.nodes[target] = .dict(entries, isOrderedDict: isOrderedDict)
        case .object(let object): graph.objects[object].entries.append(contentsOf: items)
        default: throw .target(opcode: "SETITEMS")
        }
    }

    /// BUILD: sets an object's state. On an `OrderedDict` torch stores module versions as an attribute, which are of no
    /// use without the modules' code and are dropped.
    private mutating func build() throws(PickleFault) {
        let state = try pop()
        switch node(try top()) {
        case .dict(_, isOrderedDict: true):
            guard case .dict(let attributes, isOrderedDict: false) = node(state), attributes.count == 2,
                case .string("_metadata") = node(attributes[0])
            else { throw .target(opcode: "BUILD") }
        case .object(let object): graph.objects[object].state = state
        default: throw .target(opcode: "BUILD")
        }
    }
}

// MARK: Globals and calls

extension PickleMachine {
    private mutating func pushGlobal(module: String, name: String) throws(PickleFault) {
        guard let global = PickleGlobal(module: module, name: name) else {
            throw .forbiddenGlobal(module: module, name: name)
        }
        try push(.global(global))
    }

    /// `('storage', storage class, key, location, number of elements)`, in legacy files with a sixth part that is None
    /// unless the file was written by a torch of 2016.
    private mutating func pushStorage(_ identifier: Index) throws(PickleFault) {
        guard case .tuple(let parts) = node(identifier), parts.count == 5 || parts.count == 6,
            case .string("storage") = node(parts[0]), case .global(let kind) = node(parts[1]),
            case .string(let key) = node(parts[2]), case .string = node(parts[3]), case .int(let count) = node(parts[4])
        else { throw .persistentIdentifier }
        if parts.count == 6 { guard case .none = node(parts[5]) else { throw .persistentIdentifier } }
        let elementType: ElementType?
        switch kind {
        case .storage(let type): elementType = type
        case .untypedStorage: elementType = nil
        default: throw .persistentIdentifier
        }
        guard count >= 0, (elementType ?? .u8).byteCount(shape: [count]) != nil else { throw .persistentIdentifier }

        let storage = PickleGraph.Storage(key: key, elementType: elementType, count: count)
        if let known = graph.storageIndices[key] {
            guard graph.storages[known] == storage else { throw .persistentIdentifier }
            return try push(.storage(known))
        }
        graph.storageIndices[key] = graph.storages.count
        graph.storages.append(storage)
        try push(.storage(graph.storages.count - 1))
    }

    private mutating func call(_ callee: Index, _ argumentsIndex: Index) throws(PickleFault) {
        guard case .global(let function) = node(callee) else { throw .notCallable }
        let (module, name) = function.qualifiedName
        func fault(_ expected: String) -> PickleFault { .arguments(of: "\(module).\(name)", expected: expected) }
        guard case .tuple(let arguments) = node(argumentsIndex) else { throw fault("a tuple") }

        switch function {
        case .rebuildTensor, .rebuildTensorV2, .rebuildTensorV3:
            guard let tensor = tensor(arguments, version: function) else {
                throw fault("a storage, offset, sizes and strides")
            }
            try push(tensor: tensor)
        case .rebuildParameter:
            guard arguments.count == 3, case .tensor(let index) = node(arguments[0]),
                case .bool(let requiresGrad) = node(arguments[1])
            else { throw fault("a tensor, a bool and hooks") }
            var tensor = graph.tensors[index]
            tensor.isParameter = true
            tensor.requiresGrad = requiresGrad
            try push(tensor: tensor)
        case .size:
            guard arguments.count == 1, let dimensions = integers(arguments[0]) else { throw fault("integers") }
            try push(.size(dimensions))
        case .device:
            guard let first = arguments.first, case .string(let type) = node(first), arguments.count <= 2 else {
                throw fault("a device type and index")
            }
            guard arguments.count == 2 else { return try push(.device(type)) }
            guard case .int(let index) = node(arguments[1]) else { throw fault("a device type and index") }
            try push(.device("\(type):\(index)"))
        case .orderedDict:
            guard arguments.isEmpty else { throw fault("none") }
            try push(.dict([], isOrderedDict: true))
        case .set:
            guard arguments.count == 1, case .list(let elements) = node(arguments[0]) else { throw fault("a list") }
            try push(.set(elements))
        case .codecsEncode:
            guard arguments.count == 2, case .string(let text) = node(arguments[0]),
                case .string(let encoding) = node(arguments[1]), encoding == "latin1" || encoding == "latin-1",
                text.unicodeScalars.allSatisfy({ $0.value <= 0xFF })
            else { throw fault("text in latin1") }
            try push(.bytes(text.unicodeScalars.map { UInt8($0.value) }))
        case .inert(let module, let name):
            graph.objects.append(PickleGraph.Object(module: module, name: name, arguments: arguments))
            try push(.object(graph.objects.count - 1))
        case .storage, .untypedStorage, .dtype: throw .forbiddenCall(module: module, name: name)
        }
    }

    private mutating func push(tensor: PickleGraph.Tensor) throws(PickleFault) {
        graph.tensors.append(tensor)
        try push(.tensor(graph.tensors.count - 1))
    }

    /// Version 1: `(storage, offset, sizes, strides)`. Version 2 adds `requires_grad, hooks[, metadata]`, version 3
    /// `requires_grad, hooks, dtype[, metadata]` over an untyped storage.
    private func tensor(_ arguments: [Index], version: PickleGlobal) -> PickleGraph.Tensor? {
        let allowed =
            switch version {
            case .rebuildTensor: 4...4
            case .rebuildTensorV2: 6...7
            default: 7...8
            }
        guard allowed ~= arguments.count, case .storage(let storage) = node(arguments[0]),
            case .int(let offset) = node(arguments[1]), let shape = integers(arguments[2]),
            let strides = integers(arguments[3]), shape.count == strides.count
        else { return nil }
        var requiresGrad = false
        if arguments.count > 4 {
            guard case .bool(let value) = node(arguments[4]) else { return nil }
            requiresGrad = value
        }
        var elementType = graph.storages[storage].elementType
        if version == .rebuildTensorV3 {
            guard case .global(.dtype(let name)) = node(arguments[6]), let type = ElementType(torchName: name) else {
                return nil
            }
            elementType = type
        }
        guard let elementType else { return nil }
        return PickleGraph.Tensor(
            storage: storage, elementType: elementType, shape: shape, strides: strides, offset: offset,
            requiresGrad: requiresGrad)
    }

    private func integers(_ index: Index) -> [Int]? {
        let indices: [Index]
        switch node(index) {
        case .size(let dimensions): return dimensions
        case .tuple(let elements), .list(let elements): indices = elements
        default: return nil
        }
        var values: [Int] = []
        for element in indices {
            guard case .int(let value) = node(element) else { return nil }
            values.append(value)
        }
        return values
    }
}
