import Foundation

/// A server on this machine that sends whatever bytes it is given, right or not, and ends the connection.
public final class RawServer: Sendable {
    private let listener: Listener

    /// - Parameter answer: bytes for a request's method and path; from any thread.
    public init(_ answer: @escaping @Sendable (_ method: String, _ path: String) -> [UInt8]) throws {
        listener = try Listener()
        listener.start { connection in
            guard let request = connection.request() else { return }
            _ = connection.write(answer(request.method, request.path))
        }
    }

    deinit { listener.stop() }

    public var endpoint: String { "http://127.0.0.1:\(listener.port)" }
}
