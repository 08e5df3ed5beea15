import DataCore
import Foundation
import Randomness
import Synchronization

/// Requests to one hub, with redirects, retries and the token, which only the hub itself ever sees. Safe from any
/// thread.
final class HubClient: Sendable {
    let access: HubAccess
    private let origin: HTTPOrigin?
    /// Connections that no thread uses now.
    private let idle = Mutex<[HTTPTransfer]>([])
    /// Whether any server has answered yet.
    private let hasAnswered = Atomic<Bool>(false)

    private static let maximumRedirects = 10

    /// A failure that may pass.
    struct Temporary: Error {
        let reason: String
        /// Seconds that the server asks to wait.
        var pause: Double?
        /// What to throw in the end, where it is not the network's fault.
        var failure: HubFailure?
    }

    /// The server does not have the range that was asked for.
    struct NoSuchRange: Error {}

    init(_ access: HubAccess) {
        self.access = access
        origin = HTTPOrigin(of: access.endpoint)
    }

    /// What ends a wait: its own reason, or the end of the whole run.
    func cancellation(_ own: @escaping () -> Bool) -> () -> Bool {
        let all = access.isCancelled
        return { own() || all() }
    }

    /// Whether a token may be sent there.
    func isHub(_ url: String) -> Bool { HTTPOrigin(of: url) == origin }

    /// One attempt at a request, following redirects. The token goes to the hub's own origin only.
    ///
    /// - Parameter stopsAtOtherHosts: a redirect to another origin is returned instead of followed.
    /// - Returns: an answer of status 2xx, or that redirect.
    /// - Throws: `Temporary`, `NoSuchRange`, `DataError.hub`.
    func exchange(
        _ url: String, isHead: Bool = false, headers: [(name: String, value: String)] = [],
        stopsAtOtherHosts: Bool = false, isCancelled: @escaping () -> Bool,
        begin: @escaping (_ answer: HTTPAnswer, _ url: String) throws -> Void = { _, _ in },
        body: @escaping (UnsafeRawBufferPointer) throws -> Void = { _ in }
    ) throws -> HTTPAnswer {
        let isCancelled = cancellation(isCancelled)
        var target = url
        for _ in 0...Self.maximumRedirects {
            let here = target
            let sendsToken = access.token != nil && isHub(here)
            var request = HTTPTransfer.Request(url: here, isHead: isHead, headers: headers)
            if sendsToken, let token = access.token {
                request.headers.append(("Authorization", "Bearer \(token)"))
            }
            let (answer, message) = try withTransfer { transfer in
                do {
                    let answered = try transfer.perform(
                        request, isCancelled: isCancelled, begin: { try begin($0, here) }, body: body)
                    hasAnswered.store(true, ordering: .relaxed)
                    return answered
                } catch HTTPTransfer.Failure.unknownHost(let reason) {
                    // Names are lost for a while in a run of days, too. One that never was known is wrong.
                    if hasAnswered.load(ordering: .relaxed) { throw Temporary(reason: reason) }
                    throw DataError.hub(.unreachable(url: Self.shown(here), attempts: 1, reason: reason))
                } catch HTTPTransfer.Failure.broken(let reason) {
                    throw Temporary(reason: reason)
                } catch HTTPTransfer.Failure.untrusted(let reason) {
                    throw DataError.hub(.untrusted(url: Self.shown(here), reason: reason))
                } catch HTTPTransfer.Failure.cancelled {
                    throw DataError.hub(.cancelled)
                }
            }
            switch answer.status {
            case 200..<300:
                return answer
            case 301, 302, 303, 307, 308:
                let next = try redirect(of: answer, from: here)
                if stopsAtOtherHosts, HTTPOrigin(of: next) != HTTPOrigin(of: here) { return answer }
                target = next
            case 416:
                throw NoSuchRange()
            case let status where RetryPolicy.isTemporary(status):
                throw Temporary(
                    reason: "status \(status)", pause: RetryPolicy.retryAfter(answer.headers["retry-after"]))
            default:
                let refusal = HubFailure.refused(
                    url: Self.shown(here), status: answer.status, message: Self.text(message), hasToken: sendsToken)
                // Signed addresses of storage hosts expire; a new attempt asks the hub for a new one.
                if !isHub(here) { throw Temporary(reason: "status \(answer.status)", failure: refusal) }
                throw DataError.hub(refusal)
            }
        }
        throw DataError.hub(
            .badRedirect(url: Self.shown(url), target: Self.shown(target), reason: "more than 10 redirects"))
    }

    private func redirect(of answer: HTTPAnswer, from url: String) throws -> String {
        guard let next = answer.location, let target = HTTPOrigin(of: next) else {
            throw DataError.hub(
                .badRedirect(
                    url: Self.shown(url), target: answer.headers["location"] ?? "nowhere", reason: "no address"))
        }
        guard target.scheme == "https" || HTTPOrigin(of: url)?.scheme == "http" else {
            throw DataError.hub(
                .badRedirect(url: Self.shown(url), target: Self.shown(next), reason: "from https to http"))
        }
        return next
    }

    /// Makes attempts until one succeeds, by the policy of `access`.
    ///
    /// - Parameter attempt: sets its argument when it got further than the ones before.
    func retrying<Result>(
        _ url: String, isCancelled: @escaping () -> Bool, attempt: (_ hasProgressed: inout Bool) throws -> Result
    ) throws -> Result {
        let isCancelled = cancellation(isCancelled)
        let policy = access.retry
        var spread = RandomGenerator(seed: UInt64(getpid()), purpose: "retry \(url)")
        var failures = 0
        while true {
            guard !isCancelled() else { throw DataError.hub(.cancelled) }
            var hasProgressed = false
            do {
                return try attempt(&hasProgressed)
            } catch let temporary as Temporary {
                failures = hasProgressed ? 1 : failures + 1
                let pause = temporary.pause ?? policy.pause(failures: failures, spread: spread.uniform())
                guard failures < policy.attempts, pause <= policy.longestRetryAfter else {
                    throw DataError.hub(
                        temporary.failure
                            ?? .unreachable(url: Self.shown(url), attempts: failures, reason: temporary.reason))
                }
                access.announce(
                    "hub: \(Self.shown(url)): \(temporary.reason); attempt \(failures + 1) of \(policy.attempts) in "
                        + "\(Int(pause.rounded(.up))) s")
                try Self.wait(pause, isCancelled: isCancelled)
            }
        }
    }

    /// A whole small answer, such as one of the hub's interface.
    ///
    /// - Parameter limit: bytes beyond which it is refused.
    func content(of url: String, limit: Int) throws -> [UInt8] {
        try retrying(url, isCancelled: { false }) { _ in
            var content: [UInt8] = []
            _ = try exchange(
                url, isCancelled: { false },
                body: { part in
                    guard content.count + part.count <= limit else {
                        throw DataError.hub(
                            .unexpectedAnswer(url: Self.shown(url), expected: "at most \(limit) bytes", got: "more"))
                    }
                    content.append(contentsOf: part)
                })
            return content
        }
    }

    private func withTransfer<Result>(_ body: (HTTPTransfer) throws -> Result) rethrows -> Result {
        let transfer =
            idle.withLock { $0.popLast() }
            ?? HTTPTransfer(
                timeouts: HTTPTransfer.Timeouts(stallSeconds: access.stallSeconds), authorities: access.authorities)
        defer { idle.withLock { $0.append(transfer) } }
        return try body(transfer)
    }

    private static func wait(_ seconds: Double, isCancelled: () -> Bool) throws {
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end {
            guard !isCancelled() else { throw DataError.hub(.cancelled) }
            Thread.sleep(forTimeInterval: min(0.1, max(0, (end - ContinuousClock.now) / .seconds(1))))
        }
    }

    /// An address for messages: a query may hold a signature.
    static func shown(_ url: String) -> String { String(url.prefix { $0 != "?" }) }

    /// The hub's JSON errors and other servers' pages, in one short line.
    private static func text(_ message: [UInt8]) -> String {
        let text = (try? JSON.parse(message, path: ""))?["error"]?.string ?? String(decoding: message, as: UTF8.self)
        let line = text.split(whereSeparator: { $0.isWhitespace || $0.isNewline }).joined(separator: " ")
        return String(
            line.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }.prefix(200).map(Character.init))
    }
}
