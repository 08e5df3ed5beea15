import CPJRT

/// A plugin with its devices.
public final class Client: @unchecked Sendable {
    // SAFETY: the plugin's functions on a client may be called from any thread; nothing changes after initialisation.
    public let plugin: Plugin
    /// What kind of devices these are, such as `cpu`, `cuda` or `tpu`.
    public let platform: String
    /// The platform's and the compiler's version.
    public let platformVersion: String
    public private(set) var devices: [Device] = []
    let handle: OpaquePointer

    /// - Parameter options: known to the plugin by name and type. With a type that it does not expect, some plugins end the
    ///   process.
    public init(_ plugin: Plugin, options: [(name: String, value: OptionValue)] = []) throws {
        let named = NamedValues(options)
        var create = PjrtClientCreate()
        try named.values.withUnsafeBufferPointer { values in
            (create.options, create.option_count) = (values.baseAddress, values.count)
            try plugin.call(PJRT_CLIENT_CREATE, &create, "opening the devices of \(plugin.path)")
        }
        handle = create.client
        self.plugin = plugin
        platform = try Self.text(PJRT_CLIENT_PLATFORM_NAME, handle, plugin)
        platformVersion = try Self.text(PJRT_CLIENT_PLATFORM_VERSION, handle, plugin)
        var list = PjrtClientDevices()
        list.client = handle
        try plugin.call(PJRT_CLIENT_ADDRESSABLE_DEVICES, &list, "listing the devices of \(plugin.path)")
        devices = try UnsafeBufferPointer(start: list.devices, count: list.count).compactMap { $0 }.map {
            try Device($0, plugin)
        }
        guard !devices.isEmpty else { throw PJRTError.noDevice(path: plugin.path, platform: platform) }
    }

    deinit {
        var arguments = PjrtClientCall()
        arguments.client = handle
        try? plugin.call(PJRT_CLIENT_DESTROY, &arguments, "closing the devices")
    }

    private static func text(_ slot: PjrtSlot, _ client: OpaquePointer, _ plugin: Plugin) throws -> String {
        var arguments = PjrtClientText()
        arguments.client = client
        try plugin.call(slot, &arguments, "asking for the platform")
        return String(plugin: arguments.text, count: arguments.size)
    }
}

/// One device of a client.
public struct Device: @unchecked Sendable {
    // SAFETY: handles of devices live as long as the client, and the plugin's functions on them may be called from any thread.
    let handle: OpaquePointer
    private let plugin: Plugin
    public let id: Int
    /// The make, such as `NVIDIA H100`.
    public let kind: String

    init(_ handle: OpaquePointer, _ plugin: Plugin) throws {
        (self.handle, self.plugin) = (handle, plugin)
        var description = PjrtDeviceGetDescription()
        description.device = handle
        try plugin.call(PJRT_DEVICE_GET_DESCRIPTION, &description, "asking for a device's description")
        var number = PjrtDescriptionID(), text = PjrtDescriptionText()
        (number.description, text.description) = (description.description, description.description)
        try plugin.call(PJRT_DEVICE_DESCRIPTION_ID, &number, "asking for a device's number")
        try plugin.call(PJRT_DEVICE_DESCRIPTION_KIND, &text, "asking for a device's kind")
        id = Int(number.id)
        kind = String(plugin: text.text, count: text.size)
    }

    /// Bytes of the device's memory in use now and at most; nil where the plugin does not count them.
    public func memory() -> (inUse: Int, peak: Int?)? {
        var arguments = PjrtMemoryStats()
        arguments.device = handle
        guard (try? plugin.call(PJRT_DEVICE_MEMORY_STATS, &arguments, "asking for memory in use")) != nil else {
            return nil
        }
        return (Int(arguments.bytes_in_use), arguments.peak_is_set ? Int(arguments.peak_bytes_in_use) : nil)
    }
}
