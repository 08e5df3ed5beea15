import CCurl
import Foundation

/// What a server said, without its body.
struct HTTPAnswer: Sendable {
    var status: Int
    /// By lower-case name; of a repeated header the last.
    var headers: [String: String]
    /// Where a redirect leads, as an absolute address.
    var location: String?
}

/// One connection after the other through libcurl, for one thread at a time. Follows no redirect: who follows decides
/// which headers go along.
final class HTTPTransfer: @unchecked Sendable {
    // SAFETY: `HubClient` hands a transfer to one thread at a time.

    struct Request {
        var url: String
        var isHead = false
        var headers: [(name: String, value: String)] = []
    }

    /// Why there is no whole answer.
    enum Failure: Error {
        /// The network's fault, in libcurl's words.
        case broken(String)
        /// There is no such host, or no such proxy, in libcurl's words.
        case unknownHost(String)
        /// The server's certificate does not hold, in the TLS library's words.
        case untrusted(String)
        case cancelled
    }

    /// How long to wait for what.
    struct Timeouts: Sendable {
        var connectSeconds = 15
        /// Without a byte for this long, a transfer counts as broken.
        var stallSeconds = 30
    }

    private let handle: Handle
    private let timeouts: Timeouts
    private let authorities: String?

    /// Sized so that no page of HTML or JSON error is lost and no endless one is kept.
    private static let errorBytes = 4096
    private static let isStarted = lam_curl_start() == CURLE_OK

    /// - Parameter authorities: a file or folder of certificates in place of the system's.
    init(timeouts: Timeouts, authorities: String? = nil) {
        self.timeouts = timeouts
        self.authorities = authorities
        precondition(Self.isStarted, "libcurl does not start")
        guard let handle = curl_easy_init() else { preconditionFailure("out of memory for a libcurl handle") }
        self.handle = Handle(handle)
    }

    /// Performs one request.
    ///
    /// - Parameters:
    ///   - isCancelled: asked about once a second at least.
    ///   - begin: sees the answer before its body, of status 2xx only; may throw to refuse it.
    ///   - body: takes the body in parts, of status 2xx only.
    /// - Returns: the answer, and the beginning of its body where the status is not 2xx.
    /// - Throws: `Failure`, and what `begin` and `body` throw.
    func perform(
        _ request: Request, isCancelled: @escaping () -> Bool, begin: @escaping (HTTPAnswer) throws -> Void,
        body: @escaping (UnsafeRawBufferPointer) throws -> Void
    ) throws -> (answer: HTTPAnswer, message: [UInt8]) {
        let exchange = Exchange(isCancelled: isCancelled, begin: begin, body: body)
        let handle = handle.pointer
        curl_easy_reset(handle)
        var list: UnsafeMutablePointer<curl_slist>?
        for header in request.headers { list = curl_slist_append(list, "\(header.name): \(header.value)") }
        defer { curl_slist_free_all(list) }
        lam_curl_set_text(handle, CURLOPT_URL, request.url)
        lam_curl_set_text(handle, CURLOPT_PROTOCOLS_STR, "http,https")
        lam_curl_set_text(handle, CURLOPT_USERAGENT, "lam")
        lam_curl_set_list(handle, CURLOPT_HTTPHEADER, list)
        lam_curl_set_long(handle, CURLOPT_NOBODY, request.isHead ? 1 : 0)
        lam_curl_set_long(handle, CURLOPT_NOSIGNAL, 1)
        lam_curl_set_long(handle, CURLOPT_FOLLOWLOCATION, 0)
        lam_curl_set_long(handle, CURLOPT_CONNECTTIMEOUT, timeouts.connectSeconds)
        lam_curl_set_long(handle, CURLOPT_LOW_SPEED_LIMIT, 1)
        lam_curl_set_long(handle, CURLOPT_LOW_SPEED_TIME, timeouts.stallSeconds)
        if let authorities {
            var isFolder: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: authorities, isDirectory: &isFolder)
            lam_curl_set_text(handle, isFolder.boolValue ? CURLOPT_CAPATH : CURLOPT_CAINFO, authorities)
        }
        // SAFETY: the callbacks run inside curl_easy_perform only, on this thread, while `exchange` is alive.
        let context = Unmanaged.passUnretained(exchange).toOpaque()
        lam_curl_set_callbacks(
            handle,
            { bytes, size, count, context in
                Exchange.of(context).header(UnsafeRawBufferPointer(start: bytes, count: size * count))
                return size * count
            },
            { bytes, size, count, context in
                Exchange.of(context).receive(UnsafeRawBufferPointer(start: bytes, count: size * count))
                    ? size * count : 0
            },
            { context, _, _, _, _ in Exchange.of(context).isCancelled() ? 1 : 0 }, context)
        // SAFETY: the buffer has the size that libcurl asks for and outlives the call, after which libcurl forgets it.
        let detail = UnsafeMutableBufferPointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
        detail.initialize(repeating: 0)
        defer { detail.deallocate() }
        lam_curl_set_error_buffer(handle, detail.baseAddress)
        let code = withExtendedLifetime(exchange) { curl_easy_perform(handle) }
        lam_curl_set_error_buffer(handle, nil)
        if let error = exchange.error { throw error }
        switch code {
        case CURLE_OK: break
        case CURLE_ABORTED_BY_CALLBACK: throw Failure.cancelled
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR:
            let words = String(decoding: detail.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw Failure.untrusted(words.isEmpty ? String(cString: lam_curl_error(code)) : words)
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY:
            throw Failure.unknownHost(String(cString: lam_curl_error(code)))
        default: throw Failure.broken(String(cString: lam_curl_error(code)))
        }
        try exchange.beginOnce()
        var answer = exchange.answer
        answer.location = lam_curl_redirect(handle).map { String(cString: $0) }
        return (answer, exchange.message)
    }

    /// The state of one request, for libcurl's callbacks.
    private final class Exchange {
        var answer = HTTPAnswer(status: 0, headers: [:])
        var message: [UInt8] = []
        var error: (any Error)?
        let isCancelled: () -> Bool
        private let begin: (HTTPAnswer) throws -> Void
        private let body: (UnsafeRawBufferPointer) throws -> Void
        private var hasBegun = false

        init(
            isCancelled: @escaping () -> Bool, begin: @escaping (HTTPAnswer) throws -> Void,
            body: @escaping (UnsafeRawBufferPointer) throws -> Void
        ) {
            (self.isCancelled, self.begin, self.body) = (isCancelled, begin, body)
        }

        static func of(_ context: UnsafeMutableRawPointer?) -> Exchange {
            guard let context else { preconditionFailure("a callback of libcurl without its context") }
            // SAFETY: `perform` sets the context to a live Exchange.
            return Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
        }

        /// A status line begins the headers anew: those of an interim answer (100 Continue) do not count.
        func header(_ bytes: UnsafeRawBufferPointer) {
            let line = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            if line.hasPrefix("HTTP/") {
                let words = line.split(separator: " ")
                answer = HTTPAnswer(status: words.count > 1 ? Int(words[1]) ?? 0 : 0, headers: [:])
            } else if let colon = line.firstIndex(of: ":"), answer.headers.count < 256 {
                let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
                answer.headers[line[..<colon].lowercased()] = value
            }
        }

        func beginOnce() throws {
            guard !hasBegun, (200..<300).contains(answer.status) else { return }
            hasBegun = true
            try begin(answer)
        }

        /// False ends the transfer.
        func receive(_ bytes: UnsafeRawBufferPointer) -> Bool {
            do {
                try beginOnce()
                if hasBegun {
                    try body(bytes)
                } else {
                    message.append(contentsOf: bytes.prefix(max(0, HTTPTransfer.errorBytes - message.count)))
                }
                return true
            } catch {
                self.error = error
                return false
            }
        }
    }

    /// Owns the handle.
    private final class Handle {
        let pointer: UnsafeMutableRawPointer
        init(_ pointer: UnsafeMutableRawPointer) { self.pointer = pointer }
        deinit { curl_easy_cleanup(pointer) }
    }
}
