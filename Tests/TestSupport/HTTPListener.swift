import Foundation
import Synchronization

/// A listening socket on the loopback interface; each connection gets a thread.
final class Listener: Sendable {
    let port: Int
    private let descriptor: Int32
    private let isStopped = Atomic(false)

    struct Failure: Error { let code: Int32 }

    init() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        // SAFETY: the pointers are to a sockaddr_in of the given length, for the duration of the calls.
        let result = withUnsafeMutableBytes(of: &address) { bytes -> Int32 in
            let pointer = bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self)
            guard bind(descriptor, pointer, length) == 0, listen(descriptor, 64) == 0 else { return errno }
            return getsockname(descriptor, pointer, &length)
        }
        guard descriptor >= 0, result == 0 else { throw Failure(code: result) }
        self.descriptor = descriptor
        port = Int(UInt16(bigEndian: address.sin_port))
    }

    func start(_ serve: @escaping @Sendable (Connection) -> Void) {
        let thread = Thread { [self] in
            while !isStopped.load(ordering: .relaxed) {
                let client = accept(descriptor, nil, nil)
                guard client >= 0 else { continue }
                let connection = Connection(client)
                let thread = Thread { serve(connection) }
                thread.start()
            }
            close(descriptor)
        }
        thread.start()
    }

    func stop() {
        isStopped.store(true, ordering: .relaxed)
        shutdown(descriptor, Int32(SHUT_RDWR))
    }
}

/// One connection of a client. HTTP/1.1, as far as a test needs it.
final class Connection: @unchecked Sendable {
    // SAFETY: used by the thread that serves it.

    struct Request {
        let method: String
        let path: String
        /// By lower-case name.
        let headers: [String: String]
    }

    private let descriptor: Int32
    private var received: [UInt8] = []

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
        var seconds = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &seconds, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    /// The next request; nil once the client has gone.
    func request() -> Request? {
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let range = Data(received).range(of: Data(end)) {
                let lines = String(decoding: received[..<range.lowerBound], as: UTF8.self)
                    .components(separatedBy: "\r\n")
                received.removeFirst(range.upperBound)
                let words = lines[0].split(separator: " ").map(String.init)
                guard words.count == 3 else { return nil }
                var headers: [String: String] = [:]
                for line in lines.dropFirst() {
                    guard let colon = line.firstIndex(of: ":") else { continue }
                    headers[line[..<colon].lowercased()] =
                        line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
                }
                return Request(method: words[0], path: words[1], headers: headers)
            }
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0, received.count < 1 << 16 else { return nil }
            received.append(contentsOf: buffer.prefix(count))
        }
    }

    /// The body of the request before; nil where the client has gone.
    func body(_ count: Int) -> [UInt8]? {
        while received.count < count {
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            let got = recv(descriptor, &buffer, buffer.count, 0)
            guard got > 0 else { return nil }
            received.append(contentsOf: buffer.prefix(got))
        }
        defer { received.removeFirst(count) }
        return Array(received.prefix(count))
    }

    /// Sends an answer; `cut` ends the body early though its whole length was announced.
    ///
    /// - Returns: whether the connection can go on.
    func send(
        _ status: Int, _ headers: [String: String], _ body: [UInt8], isHead: Bool = false, cut: Int? = nil,
        staysOpen: Bool = false
    ) -> Bool {
        var head = "HTTP/1.1 \(status) -\r\nContent-Length: \(body.count)\r\n"
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) { head += "\(name): \(value)\r\n" }
        guard write(Array((head + "\r\n").utf8)) else { return false }
        guard !isHead else { return true }
        guard write(cut.map { Array(body.prefix($0)) } ?? body) else { return false }
        // Long enough for the client to lose patience.
        if staysOpen { Thread.sleep(forTimeInterval: 5) }
        return cut == nil
    }

    /// Sends bytes as they are.
    func write(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(truncatingIfNeeded: MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }
}
