import CPJRT

/// An array in a device's memory.
public final class Buffer: @unchecked Sendable {
    // SAFETY: the plugin's functions on buffers may be called from any thread; nothing here changes.
    public let type: ElementType
    public let shape: [Int]
    let handle: OpaquePointer
    private let client: Client

    init(_ handle: OpaquePointer, _ client: Client, _ type: ElementType, _ shape: [Int]) {
        (self.handle, self.client, self.type, self.shape) = (handle, client, type, shape)
    }

    /// Copies an array of the host to a device.
    ///
    /// - Parameter bytes: read before this returns.
    public convenience init(
        _ bytes: UnsafeRawBufferPointer, _ type: ElementType, _ shape: [Int], on device: Device, of client: Client
    ) throws {
        let count = shape.reduce(1, *)
        precondition(bytes.count == count * type.byteSize, "\(bytes.count) bytes for \(type) \(shape)")
        var arguments = PjrtBufferFromHost()
        (arguments.client, arguments.device) = (client.handle, device.handle)
        (arguments.type, arguments.rank) = (type.code, shape.count)
        arguments.semantics = Int32(PJRT_HOST_DURING_CALL.rawValue)
        let operation = "copying \(type) \(shape) to device \(device.id)"
        var none: UInt8 = 0
        try withUnsafeMutablePointer(to: &none) { none in
            // An array without elements has an address, too.
            arguments.data = bytes.baseAddress ?? UnsafeRawPointer(none)
            try shape.map(Int64.init).withUnsafeBufferPointer { extents in
                arguments.extents = extents.baseAddress
                try client.plugin.call(PJRT_CLIENT_BUFFER_FROM_HOST, &arguments, operation)
            }
            if let done = arguments.done { try Event(done, client.plugin, operation).wait() }
        }
        self.init(arguments.buffer, client, type, shape)
    }

    deinit {
        var arguments = PjrtBufferCall()
        arguments.buffer = handle
        try? client.plugin.call(PJRT_BUFFER_DESTROY, &arguments, "freeing a buffer")
    }

    public var byteCount: Int { shape.reduce(1, *) * type.byteSize }

    private var text: String { "\(type) \(shape)" }

    /// Waits for the elements, and copies them to the host.
    public func download(into bytes: UnsafeMutableRawBufferPointer) throws {
        precondition(bytes.count == byteCount, "\(bytes.count) bytes for \(text)")
        guard let base = bytes.baseAddress, byteCount > 0 else { return }
        var arguments = PjrtBufferToHost()
        (arguments.source, arguments.target, arguments.size) = (handle, base, bytes.count)
        try client.plugin.call(PJRT_BUFFER_TO_HOST, &arguments, "copying \(text) to the host")
        if let event = arguments.event { try Event(event, client.plugin, "copying \(text) to the host").wait() }
    }

    /// What tells that the elements are there.
    public func ready() throws -> Event {
        var arguments = PjrtBufferReady()
        arguments.buffer = handle
        try client.plugin.call(PJRT_BUFFER_READY_EVENT, &arguments, "asking whether \(text) is there")
        return Event(arguments.event, client.plugin, "computing \(text)")
    }

    /// Where it lies in the device's memory: tells whether two buffers share theirs.
    public func address() throws -> UInt64 {
        var arguments = PjrtBufferAddress()
        arguments.buffer = handle
        try client.plugin.call(PJRT_BUFFER_UNSAFE_POINTER, &arguments, "asking where \(text) is")
        return arguments.address
    }
}
