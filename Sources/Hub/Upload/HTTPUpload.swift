import CCurl
import DataCore
import Foundation

/// One request with a body, through libcurl. Follows no redirect.
struct HTTPUpload {
    enum Body {
        case bytes([UInt8])
        /// A part of a file.
        case file(path: String, range: Range<Int>)
    }

    let method: String
    let url: String
    var headers: [(name: String, value: String)] = []
    let body: Body

    struct Answer {
        let status: Int
        /// By lower-case name.
        let headers: [String: String]
        let body: [UInt8]
    }

    /// The network's fault, in libcurl's words.
    struct Broken: Error { let reason: String }

    private static let answerLimit = 64 << 20
    private static let isStarted = lam_curl_start() == CURLE_OK

    /// - Throws: `Broken`; `DataError.unreadableFile`, `.hub(.untrusted)`, `.hub(.cancelled)`.
    func perform(_ access: HubAccess) throws -> Answer {
        precondition(Self.isStarted, "libcurl does not start")
        guard let handle = curl_easy_init() else { preconditionFailure("out of memory for a libcurl handle") }
        defer { curl_easy_cleanup(handle) }
        var list: UnsafeMutablePointer<curl_slist>?
        // Without the first, libcurl waits a second for an interim answer that many servers do not give.
        for header in [("Expect", "")] + headers { list = curl_slist_append(list, "\(header.0): \(header.1)") }
        defer { curl_slist_free_all(list) }
        lam_curl_set_text(handle, CURLOPT_URL, url)
        lam_curl_set_text(handle, CURLOPT_PROTOCOLS_STR, "http,https")
        lam_curl_set_text(handle, CURLOPT_USERAGENT, "lam")
        lam_curl_set_text(handle, CURLOPT_CUSTOMREQUEST, method)
        lam_curl_set_list(handle, CURLOPT_HTTPHEADER, list)
        lam_curl_set_long(handle, CURLOPT_NOSIGNAL, 1)
        lam_curl_set_long(handle, CURLOPT_FOLLOWLOCATION, 0)
        lam_curl_set_long(handle, CURLOPT_CONNECTTIMEOUT, 15)
        lam_curl_set_long(handle, CURLOPT_LOW_SPEED_LIMIT, 1)
        lam_curl_set_long(handle, CURLOPT_LOW_SPEED_TIME, max(60, access.stallSeconds))
        if let authorities = access.authorities {
            var isFolder: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: authorities, isDirectory: &isFolder)
            lam_curl_set_text(handle, isFolder.boolValue ? CURLOPT_CAPATH : CURLOPT_CAINFO, authorities)
        }
        var file: UnsafeMutablePointer<FILE>?
        defer { if let file { fclose(file) } }
        var content: [UInt8] = []
        switch body {
        case .bytes(let bytes): content = bytes
        case .file(let path, let range):
            file = fopen(path, "rb")
            guard let file, fseeko(file, off_t(range.lowerBound), SEEK_SET) == 0 else {
                throw DataError.unreadableFile(path: path, reason: String(cString: strerror(errno)))
            }
            lam_curl_set_long(handle, CURLOPT_UPLOAD, 1)
            lam_curl_set_file(handle, file, Int64(range.count))
        }
        let exchange = Exchange(isCancelled: access.isCancelled, limit: Self.answerLimit)
        // SAFETY: the callbacks run inside curl_easy_perform only, on this thread, while `exchange` is alive.
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
            { context, _, _, _, _ in Exchange.of(context).isCancelled() ? 1 : 0 },
            Unmanaged.passUnretained(exchange).toOpaque())
        let isFile = file != nil
        let code = content.withUnsafeBytes { bytes in
            // SAFETY: libcurl reads the bytes inside curl_easy_perform only, where the buffer is valid.
            if !isFile { lam_curl_set_bytes(handle, bytes.baseAddress, bytes.count) }
            return withExtendedLifetime(exchange) { curl_easy_perform(handle) }
        }
        switch code {
        case CURLE_OK: break
        case CURLE_ABORTED_BY_CALLBACK: throw DataError.hub(.cancelled)
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR:
            throw DataError.hub(.untrusted(url: HubClient.shown(url), reason: String(cString: lam_curl_error(code))))
        default: throw Broken(reason: String(cString: lam_curl_error(code)))
        }
        return Answer(status: Int(lam_curl_status(handle)), headers: exchange.headers, body: exchange.body)
    }

    /// The answer of one request, for libcurl's callbacks.
    private final class Exchange {
        var headers: [String: String] = [:]
        var body: [UInt8] = []
        let isCancelled: () -> Bool
        private let limit: Int

        init(isCancelled: @escaping () -> Bool, limit: Int) { (self.isCancelled, self.limit) = (isCancelled, limit) }

        static func of(_ context: UnsafeMutableRawPointer?) -> Exchange {
            guard let context else { preconditionFailure("a callback of libcurl without its context") }
            // SAFETY: `perform` sets the context to a live Exchange.
            return Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
        }

        func header(_ bytes: UnsafeRawBufferPointer) {
            let line = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            if line.hasPrefix("HTTP/") {
                headers = [:]
            } else if let colon = line.firstIndex(of: ":"), headers.count < 256 {
                headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(
                    in: .whitespaces)
            }
        }

        /// False ends the transfer.
        func receive(_ bytes: UnsafeRawBufferPointer) -> Bool {
            guard body.count + bytes.count <= limit else { return false }
            body.append(contentsOf: bytes)
            return true
        }
    }
}
