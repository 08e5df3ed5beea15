import CPJRT

/// A compiled program on a client's devices.
public final class Executable: @unchecked Sendable {
    // SAFETY: the plugin's functions on executables may be called from any thread; nothing here changes.
    public let outputs: Int
    private let loaded: OpaquePointer
    private let description: OpaquePointer
    private let client: Client

    private init(_ loaded: OpaquePointer, _ client: Client) throws {
        (self.loaded, self.client) = (loaded, client)
        var get = PjrtGetExecutable()
        get.loaded = loaded
        try client.plugin.call(PJRT_LOADED_GET_EXECUTABLE, &get, "looking into a program")
        description = get.executable
        var count = PjrtNumOutputs()
        count.executable = description
        try client.plugin.call(PJRT_EXECUTABLE_NUM_OUTPUTS, &count, "counting a program's results")
        outputs = count.count
    }

    deinit {
        var inner = PjrtExecutableCall(), outer = PjrtLoadedCall()
        (inner.executable, outer.executable) = (description, loaded)
        try? client.plugin.call(PJRT_EXECUTABLE_DESTROY, &inner, "freeing a program")
        try? client.plugin.call(PJRT_LOADED_DESTROY, &outer, "freeing a program")
    }

    /// Compiles StableHLO's text.
    public convenience init(text: String, _ options: CompileOptions = CompileOptions(), on client: Client) throws {
        var text = text
        var compile = PjrtCompile()
        compile.client = client.handle
        try text.withUTF8 { code in
            try options.bytes.withUnsafeBytes { options in
                try "mlir".withCString { format in
                    var program = PjrtProgram()
                    program.struct_size = MemoryLayout<PjrtProgram>.size
                    // SAFETY: the compiler reads the text.
                    program.code = UnsafeMutableRawPointer(mutating: code.baseAddress)?.assumingMemoryBound(
                        to: CChar.self)
                    (program.code_size, program.format, program.format_size) = (code.count, format, 4)
                    try withUnsafePointer(to: program) { program in
                        compile.program = program
                        compile.options = options.baseAddress?.assumingMemoryBound(to: CChar.self)
                        compile.options_size = options.count
                        try client.plugin.call(PJRT_CLIENT_COMPILE, &compile, "compiling a program")
                    }
                }
            }
        }
        try self.init(compile.executable, client)
    }

    /// Bytes of a device's memory that a program needs while it runs.
    public struct Memory: Sendable, Equatable {
        /// What it is given, and the results that do not take the place of any of it.
        public var arguments: Int
        public var newResults: Int
        /// What it keeps in between.
        public var temporary: Int

        public var total: Int { arguments + newResults + temporary }
    }

    /// What the compiler has planned; nil where the plugin does not say.
    public func plannedMemory() -> Memory? {
        guard client.plugin.has(PJRT_EXECUTABLE_MEMORY_STATS) else { return nil }
        var memory = PjrtProgramMemory()
        memory.executable = description
        guard
            (try? client.plugin.call(PJRT_EXECUTABLE_MEMORY_STATS, &memory, "asking for a program's memory")) != nil,
            memory.arguments >= 0, memory.outputs >= memory.aliased, memory.aliased >= 0, memory.temporary >= 0
        else { return nil }
        return Memory(
            arguments: Int(memory.arguments), newResults: Int(memory.outputs - memory.aliased),
            temporary: Int(memory.temporary))
    }

    /// Loads what `serialized` gave, on the same kind of device with the same plugin.
    public convenience init(serialized bytes: UnsafeRawBufferPointer, on client: Client) throws {
        var arguments = PjrtDeserialize()
        (arguments.client, arguments.size) = (client.handle, bytes.count)
        arguments.bytes = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
        try client.plugin.call(PJRT_EXECUTABLE_DESERIALIZE_AND_LOAD, &arguments, "loading a compiled program")
        try self.init(arguments.executable, client)
    }

    /// The compiled program's bytes.
    public func serialized() throws -> [UInt8] {
        var arguments = PjrtSerialize()
        arguments.executable = description
        try client.plugin.call(PJRT_EXECUTABLE_SERIALIZE, &arguments, "saving a compiled program")
        defer { arguments.destroy?(arguments.owner) }
        return Array(UnsafeRawBufferPointer(start: arguments.bytes, count: arguments.size))
    }

    /// What the compiler made of the program, in a form that `format` names.
    public func optimized() throws -> (format: String, bytes: [UInt8]) {
        var program = PjrtProgram()
        program.struct_size = MemoryLayout<PjrtProgram>.size
        return try withUnsafeMutablePointer(to: &program) { program in
            var arguments = PjrtOptimizedProgram()
            (arguments.executable, arguments.program) = (description, program)
            try client.plugin.call(PJRT_EXECUTABLE_OPTIMIZED_PROGRAM, &arguments, "reading a compiled program")
            var code = [UInt8](repeating: 0, count: program.pointee.code_size)
            try code.withUnsafeMutableBytes { bytes in
                program.pointee.code = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
                try client.plugin.call(PJRT_EXECUTABLE_OPTIMIZED_PROGRAM, &arguments, "reading a compiled program")
            }
            return (String(plugin: program.pointee.format, count: program.pointee.format_size), code)
        }
    }

    /// Begins to run the program. What its text gives away of the arguments is gone when this returns.
    ///
    /// - Parameters:
    ///   - arguments: of each replica.
    ///   - results: type and shape of each result.
    ///   - device: which one is to run a portable program.
    /// - Returns: the results of each replica, and what tells that it is done.
    public func run(
        _ arguments: [[Buffer]], results: [(type: ElementType, shape: [Int])], on device: Device? = nil
    ) throws -> (results: [[Buffer]], done: [Event]) {
        precondition(results.count == outputs, "\(outputs) results of a program, \(results.count) expected")
        let replicas = arguments.count, count = arguments.first?.count ?? 0
        precondition(arguments.allSatisfy { $0.count == count }, "replicas with unequal numbers of arguments")
        var options = PjrtExecuteOptions()
        options.struct_size = MemoryLayout<PjrtExecuteOptions>.size
        let inputs = arguments.flatMap { $0.map { Optional($0.handle) } }
        var made = [OpaquePointer?](repeating: nil, count: replicas * outputs)
        var done = [OpaquePointer?](repeating: nil, count: replicas)
        try inputs.withUnsafeBufferPointer { inputs in
            try made.withUnsafeMutableBufferPointer { made in
                try done.withUnsafeMutableBufferPointer { done in
                    try Self.withLists(of: inputs.baseAddress, count, replicas) { inputLists in
                        try Self.withLists(of: UnsafePointer(made.baseAddress), outputs, replicas) { outputLists in
                            try withUnsafeMutablePointer(to: &options) { options in
                                var execute = PjrtExecute()
                                (execute.executable, execute.options) = (loaded, options)
                                (execute.device_count, execute.argument_count) = (replicas, count)
                                execute.arguments = inputLists
                                execute.outputs = UnsafeRawPointer(outputLists)?.assumingMemoryBound(
                                    to: UnsafeMutablePointer<OpaquePointer?>?.self)
                                execute.done = done.baseAddress
                                execute.device = device?.handle
                                try client.plugin.call(PJRT_LOADED_EXECUTE, &execute, "running a program")
                            }
                        }
                    }
                }
            }
        }
        let buffers = (0..<replicas).map { replica in
            results.indices.compactMap { place in
                made[replica * outputs + place].map {
                    Buffer($0, client, results[place].type, results[place].shape)
                }
            }
        }
        return (buffers, done.compactMap { $0.map { Event($0, client.plugin, "running a program") } })
    }

    /// Where each replica's part of `flat` begins.
    private static func withLists<Result>(
        of flat: UnsafePointer<OpaquePointer?>?, _ count: Int, _ replicas: Int,
        _ body: (UnsafePointer<UnsafePointer<OpaquePointer?>?>?) throws -> Result
    ) rethrows -> Result {
        let lists = (0..<replicas).map { replica in flat.map { $0 + replica * count } }
        return try lists.withUnsafeBufferPointer { try body($0.baseAddress) }
    }
}
