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

    /// - Throws: `Broken`; `DataError.unreadableFile`, `.hub(.untrusted)`, `.hub(.cancelled)`.
    func perform(_ access: HubAccess) throws -> Answer {
        var file: UnsafeMutablePointer<FILE>?
        defer { if let file { fclose(file) } }
        var content: [UInt8] = [], length = 0
        switch body {
        case .bytes(let bytes): content = bytes
        case .file(let path, let range):
            file = fopen(path, "rb")
            length = range.count
            guard let file, fseeko(file, off_t(range.lowerBound), SEEK_SET) == 0 else {
                throw DataError.unreadableFile(path: path, reason: String(cString: strerror(errno)))
            }
        }
        var received: [UInt8] = []
        let exchange = HTTPExchange(isCancelled: access.isCancelled) { _, bytes in
            guard received.count + bytes.count <= Self.answerLimit else { return false }
            received.append(contentsOf: bytes)
            return true
        }
        let timeouts = HTTPTransfer.Timeouts(stallSeconds: max(60, access.stallSeconds))
        let code = content.withUnsafeBytes { bytes in
            // Without the first, libcurl waits a second for an interim answer that many servers do not give.
            CurlHandle().perform(
                url, headers: [("Expect", "")] + headers, timeouts: timeouts, authorities: access.authorities,
                exchange: exchange
            ) { handle in
                lam_curl_set_text(handle, CURLOPT_CUSTOMREQUEST, method)
                if let file {
                    lam_curl_set_long(handle, CURLOPT_UPLOAD, 1)
                    lam_curl_set_file(handle, file, Int64(length))
                } else {
                    // SAFETY: libcurl reads the bytes inside this call of `perform` only, where the buffer is valid.
                    lam_curl_set_bytes(handle, bytes.baseAddress, bytes.count)
                }
            }.code
        }
        switch code {
        case CURLE_OK: break
        case CURLE_ABORTED_BY_CALLBACK: throw DataError.hub(.cancelled)
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR:
            throw DataError.hub(.untrusted(url: HubClient.shown(url), reason: String(cString: lam_curl_error(code))))
        default: throw Broken(reason: String(cString: lam_curl_error(code)))
        }
        return Answer(status: exchange.answer.status, headers: exchange.answer.headers, body: received)
    }
}
