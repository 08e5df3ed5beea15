import CPJRT

/// Something that a device will have done.
public final class Event: @unchecked Sendable {
    // SAFETY: the plugin's functions on events may be called from any thread; what the callback tells is behind a lock.
    private let handle: OpaquePointer
    private let plugin: Plugin
    private let operation: String

    package init(_ handle: OpaquePointer, _ plugin: Plugin, _ operation: String) {
        (self.handle, self.plugin, self.operation) = (handle, plugin, operation)
    }

    deinit {
        var arguments = PjrtEventCall()
        arguments.event = handle
        try? plugin.call(PJRT_EVENT_DESTROY, &arguments, operation)
    }

    /// Waits until it is done.
    ///
    /// - Throws: what went wrong with it.
    public func wait() throws {
        var arguments = PjrtEventCall()
        arguments.event = handle
        try plugin.call(PJRT_EVENT_AWAIT, &arguments, operation)
    }

    /// The same, for so many seconds at most.
    ///
    /// - Throws: `PJRTError.timedOut` too.
    public func wait(seconds: Double) throws {
        let bell = Bell(plugin)
        var arguments = PjrtEventOnReady()
        arguments.event = handle
        arguments.user = Unmanaged.passRetained(bell).toOpaque()
        arguments.callback = { error, user in
            guard let user else { return }
            Unmanaged<Bell>.fromOpaque(user).takeRetainedValue().ring(error)
        }
        try plugin.call(PJRT_EVENT_ON_READY, &arguments, operation)
        guard bell.wait(seconds: seconds) else {
            throw PJRTError.timedOut(operation: operation, seconds: seconds)
        }
        try wait()
    }
}
