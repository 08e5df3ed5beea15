import CCurl
import Foundation

/// Requests through libcurl, prepared alike: nothing but the web's protocols, no signals, and no redirect followed. For one thread
/// at a time.
///
/// Each has a handle of its own, and they share their connections: before 8.5 libcurl keeps a pointer to the last header of a
/// handle's answer after it has freed it, and a server whose next answer begins with a folded line makes it write there.
final class CurlHandle {
    private let share: UnsafeMutableRawPointer

    private static let isStarted = lam_curl_start() == CURLE_OK

    init() {
        precondition(Self.isStarted, "libcurl does not start")
        guard let share = lam_curl_new_share() else { preconditionFailure("out of memory for connections of libcurl") }
        self.share = share
    }

    deinit { curl_share_cleanup(share) }

    /// Performs one request; nothing of the one before remains.
    ///
    /// - Parameters:
    ///   - authorities: a file or folder of certificates in place of the system's.
    ///   - exchange: takes the answer.
    ///   - prepare: sets what this request has beside what all have.
    /// - Returns: libcurl's verdict, and the TLS library's words where it has said some.
    func perform(
        _ url: String, headers: [(name: String, value: String)], timeouts: HTTPTransfer.Timeouts, authorities: String?,
        exchange: HTTPExchange, prepare: (UnsafeMutableRawPointer) -> Void
    ) -> (code: CURLcode, detail: String) {
        guard let pointer = curl_easy_init() else { preconditionFailure("out of memory for a libcurl handle") }
        defer { curl_easy_cleanup(pointer) }
        lam_curl_set_share(pointer, share)
        var list: UnsafeMutablePointer<curl_slist>?
        for header in headers { list = curl_slist_append(list, "\(header.name): \(header.value)") }
        defer { curl_slist_free_all(list) }
        lam_curl_set_text(pointer, CURLOPT_URL, url)
        lam_curl_set_text(pointer, CURLOPT_PROTOCOLS_STR, "http,https")
        lam_curl_set_text(pointer, CURLOPT_USERAGENT, "lam")
        lam_curl_set_list(pointer, CURLOPT_HTTPHEADER, list)
        lam_curl_set_long(pointer, CURLOPT_NOSIGNAL, 1)
        lam_curl_set_long(pointer, CURLOPT_FOLLOWLOCATION, 0)
        lam_curl_set_long(pointer, CURLOPT_CONNECTTIMEOUT, timeouts.connectSeconds)
        lam_curl_set_long(pointer, CURLOPT_LOW_SPEED_LIMIT, 1)
        lam_curl_set_long(pointer, CURLOPT_LOW_SPEED_TIME, timeouts.stallSeconds)
        if let authorities {
            var isFolder: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: authorities, isDirectory: &isFolder)
            lam_curl_set_text(pointer, isFolder.boolValue ? CURLOPT_CAPATH : CURLOPT_CAINFO, authorities)
        }
        prepare(pointer)
        // SAFETY: the callbacks run inside curl_easy_perform only, on this thread, while `exchange` is alive.
        lam_curl_set_callbacks(
            pointer,
            { bytes, size, count, context in
                HTTPExchange.of(context).header(UnsafeRawBufferPointer(start: bytes, count: size * count))
                return size * count
            },
            { bytes, size, count, context in
                HTTPExchange.of(context).receive(UnsafeRawBufferPointer(start: bytes, count: size * count))
                    ? size * count : 0
            },
            { context, _, _, _, _ in HTTPExchange.of(context).isCancelled() ? 1 : 0 },
            Unmanaged.passUnretained(exchange).toOpaque())
        // SAFETY: the buffer has the size that libcurl asks for and outlives the call, after which libcurl forgets it.
        let detail = UnsafeMutableBufferPointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
        detail.initialize(repeating: 0)
        defer { detail.deallocate() }
        lam_curl_set_error_buffer(pointer, detail.baseAddress)
        let code = withExtendedLifetime(exchange) { curl_easy_perform(pointer) }
        lam_curl_set_error_buffer(pointer, nil)
        exchange.answer.location = lam_curl_redirect(pointer).map { String(cString: $0) }
        return (code, String(decoding: detail.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }
}

/// The answer to one request while it arrives, for libcurl's callbacks.
final class HTTPExchange {
    fileprivate(set) var answer = HTTPAnswer(status: 0, headers: [:])
    let isCancelled: () -> Bool
    private let take: (HTTPAnswer, UnsafeRawBufferPointer) -> Bool

    /// - Parameters:
    ///   - isCancelled: asked about once a second at least.
    ///   - take: takes a part of the body, with the answer that it belongs to; false ends the transfer.
    init(isCancelled: @escaping () -> Bool, take: @escaping (HTTPAnswer, UnsafeRawBufferPointer) -> Bool) {
        (self.isCancelled, self.take) = (isCancelled, take)
    }

    fileprivate static func of(_ context: UnsafeMutableRawPointer?) -> HTTPExchange {
        guard let context else { preconditionFailure("a callback of libcurl without its context") }
        // SAFETY: `perform` sets the context to a live exchange.
        return Unmanaged<HTTPExchange>.fromOpaque(context).takeUnretainedValue()
    }

    /// A status line begins the headers anew: those of an interim answer (100 Continue) do not count.
    fileprivate func header(_ bytes: UnsafeRawBufferPointer) {
        let line = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        if line.hasPrefix("HTTP/") {
            let words = line.split(separator: " ")
            answer = HTTPAnswer(status: words.count > 1 ? Int(words[1]) ?? 0 : 0, headers: [:])
        } else if let colon = line.firstIndex(of: ":"), answer.headers.count < 256 {
            let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            answer.headers[line[..<colon].lowercased()] = value
        }
    }

    fileprivate func receive(_ bytes: UnsafeRawBufferPointer) -> Bool { take(answer, bytes) }
}
