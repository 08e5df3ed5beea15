import Foundation

/// When a request that failed is made again, and after how long.
package struct RetryPolicy: Sendable {
    /// Attempts in a row without a byte of progress.
    package var attempts = 8
    /// Pause after the first failure; it doubles each time. Seconds.
    package var firstPause = 1.0
    package var longestPause = 60.0
    /// A server that asks for a longer pause than this is taken to refuse. Seconds.
    package var longestRetryAfter = 600.0

    package init() {}

    /// Statuses that may pass: too slow, too many requests, and the server's own troubles.
    static func isTemporary(_ status: Int) -> Bool { status == 408 || status == 429 || (500..<600).contains(status) }

    /// Seconds to wait after `failures` failures in a row.
    ///
    /// - Parameter spread: in [0, 1): takes off up to half, so that processes that failed together do not come back
    ///   together.
    func pause(failures: Int, spread: Double) -> Double {
        let doubled = firstPause * Double(1 << min(max(failures - 1, 0), 30))
        return min(doubled, longestPause) * (1 - spread / 2)
    }

    /// Seconds that the header `Retry-After` asks for: a number, or an HTTP date. RFC 9110 §10.2.3.
    static func retryAfter(_ header: String?, now: Date = Date()) -> Double? {
        guard let header else { return nil }
        if let seconds = Double(header) { return seconds.isFinite && seconds >= 0 ? seconds : nil }
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(secondsFromGMT: 0)
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        return formatter.date(from: header).map { max(0, $0.timeIntervalSince(now)) }
    }
}
