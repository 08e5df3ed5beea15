import CCurl

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

    private let handle = CurlHandle()
    private let timeouts: Timeouts
    private let authorities: String?

    /// Sized so that no page of HTML or JSON error is lost and no endless one is kept.
    private static let errorBytes = 4096

    /// - Parameter authorities: a file or folder of certificates in place of the system's.
    init(timeouts: Timeouts, authorities: String? = nil) {
        self.timeouts = timeouts
        self.authorities = authorities
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
        var message: [UInt8] = [], hasBegun = false
        var failure: (any Error)?
        func beginOnce(_ answer: HTTPAnswer) throws {
            guard !hasBegun, (200..<300).contains(answer.status) else { return }
            hasBegun = true
            try begin(answer)
        }
        let exchange = HTTPExchange(isCancelled: isCancelled) { answer, bytes in
            do {
                try beginOnce(answer)
                if hasBegun {
                    try body(bytes)
                } else {
                    message.append(contentsOf: bytes.prefix(max(0, Self.errorBytes - message.count)))
                }
                return true
            } catch {
                failure = error
                return false
            }
        }
        let (code, detail) = handle.perform(
            request.url, headers: request.headers, timeouts: timeouts, authorities: authorities, exchange: exchange
        ) { lam_curl_set_long($0, CURLOPT_NOBODY, request.isHead ? 1 : 0) }
        if let failure { throw failure }
        switch code {
        case CURLE_OK: break
        case CURLE_ABORTED_BY_CALLBACK: throw Failure.cancelled
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR:
            throw Failure.untrusted(detail.isEmpty ? String(cString: lam_curl_error(code)) : detail)
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY:
            throw Failure.unknownHost(String(cString: lam_curl_error(code)))
        default: throw Failure.broken(String(cString: lam_curl_error(code)))
        }
        try beginOnce(exchange.answer)
        return (exchange.answer, message)
    }
}
