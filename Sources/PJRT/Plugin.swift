import CPJRT
import Glibc

/// A library with PJRT's C interface, loaded at run time. It stays loaded until the process ends.
public final class Plugin: Sendable {
    public let path: String
    /// Version of the C interface, `major.minor`.
    public let version: String
    // SAFETY: a table of functions that may be called from any thread, never changed.
    private nonisolated(unsafe) let table: UnsafePointer<PjrtTable>
    private let functions: Int

    /// - Throws: `PJRTError`; the file does not load, is no plugin, or speaks another version.
    public convenience init(path: String) throws {
        // A bare name is looked for by the loader.
        if path.contains("/"), let fault = LibraryFile.fault(path) {
            throw PJRTError.notLoaded(path: path, reason: fault)
        }
        // XLA would write what it throws, and more, to standard error as well.
        setenv("TF_CPP_MIN_LOG_LEVEL", "3", 0)
        guard let library = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
            throw PJRTError.notLoaded(path: path, reason: dlerror().map { String(cString: $0) } ?? "no reason given")
        }
        guard let symbol = dlsym(library, "GetPjrtApi") else { throw PJRTError.notAPlugin(path: path) }
        typealias GetTable = @convention(c) () -> UnsafePointer<PjrtTable>?
        // SAFETY: this is what a library exports under that name.
        guard let table = unsafeBitCast(symbol, to: GetTable.self)() else { throw PJRTError.notAPlugin(path: path) }
        try self.init(table, path: path)
    }

    /// - Parameter table: lives as long as the process.
    package init(_ table: UnsafePointer<PjrtTable>, path: String) throws {
        let (major, minor) = (table.pointee.version.major, table.pointee.version.minor)
        functions = max(0, (table.pointee.struct_size - Self.header) / MemoryLayout<Int>.size)
        version = "\(major).\(minor)"
        self.path = path
        self.table = table
        guard major == 0, minor >= 33, functions >= Int(PJRT_FUNCTION_COUNT.rawValue) else {
            throw PJRTError.unsupportedVersion(path: path, version: version, functions: functions)
        }
        var arguments = PjrtInitialize()
        try call(PJRT_PLUGIN_INITIALIZE, &arguments, "initialising the plugin \(path)")
    }

    /// Bytes in front of the table's functions.
    private static let header = 40

    /// What the plugin tells of itself, such as the version of StableHLO that it takes.
    public func attributes() throws -> [String: [Int64]] {
        var arguments = PjrtAttributes()
        try call(PJRT_PLUGIN_ATTRIBUTES, &arguments, "asking the plugin for its attributes")
        var attributes: [String: [Int64]] = [:]
        for value in UnsafeBufferPointer(start: arguments.attributes, count: arguments.count) {
            let name = String(plugin: value.name, count: value.name_size)
            if value.type == Int32(PJRT_VALUE_INT64.rawValue) {
                attributes[name] = [value.value.integer]
            } else if value.type == Int32(PJRT_VALUE_INT64_LIST.rawValue) {
                attributes[name] = Array(UnsafeBufferPointer(start: value.value.integers, count: value.value_size))
            }
        }
        return attributes
    }

    /// Whether the plugin's table has a function.
    func has(_ slot: PjrtSlot) -> Bool { functions > Int(slot.rawValue) }

    private typealias Function = @convention(c) (UnsafeMutableRawPointer) -> OpaquePointer?

    /// Calls a function of the table with arguments whose size is set here.
    ///
    /// - Throws: `PJRTError.failed` with the plugin's words.
    func call<Arguments>(_ slot: PjrtSlot, _ arguments: inout Arguments, _ operation: @autoclosure () -> String) throws
    {
        if let error = raw(slot, &arguments) { throw take(error, operation()) }
    }

    private func raw<Arguments>(_ slot: PjrtSlot, _ arguments: inout Arguments) -> OpaquePointer? {
        withUnsafeMutableBytes(of: &arguments) { bytes in
            bytes.storeBytes(of: bytes.count, as: Int.self)
            let place = UnsafeRawPointer(table) + Self.header + MemoryLayout<Int>.size * Int(slot.rawValue)
            guard let function = place.load(as: Function?.self), let base = bytes.baseAddress else { return nil }
            return function(base)
        }
    }

    /// The plugin's error as one of ours; its own object is destroyed.
    func take(_ error: OpaquePointer, _ operation: String) -> PJRTError {
        var text = PjrtErrorMessage(), kind = PjrtErrorCode(), end = PjrtErrorDestroy()
        (text.error, kind.error, end.error) = (error, error, error)
        _ = raw(PJRT_ERROR_MESSAGE, &text)
        _ = raw(PJRT_ERROR_GET_CODE, &kind)
        let message = String(plugin: text.message, count: min(text.size, Self.longestMessage))
        _ = raw(PJRT_ERROR_DESTROY, &end)
        return .failed(operation: operation, code: PJRTError.Code(rawValue: kind.code) ?? .unknown, message: message)
    }

    /// Compilers quote whole programs.
    private static let longestMessage = 2000
}

extension String {
    /// Bytes that a plugin gave, which need not end with a zero.
    init(plugin bytes: UnsafePointer<CChar>?, count: Int) {
        self.init(decoding: UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : count), as: UTF8.self)
    }
}
