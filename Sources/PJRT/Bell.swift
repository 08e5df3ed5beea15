import Dispatch

/// Lets a thread wait for a plugin's callback.
final class Bell: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)
    private let plugin: Plugin

    init(_ plugin: Plugin) { self.plugin = plugin }

    /// - Parameter error: the caller's own copy of what the event's `wait` throws, for us to destroy.
    func ring(_ error: OpaquePointer?) {
        if let error { _ = plugin.take(error, "waiting") }
        semaphore.signal()
    }

    /// - Returns: whether it rang in time.
    func wait(seconds: Double) -> Bool { semaphore.wait(timeout: .now() + seconds) == .success }
}
