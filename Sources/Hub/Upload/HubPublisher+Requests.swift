import DataCore
import Foundation
import Randomness

/// Requests to the hub and its storage, with the token where it belongs and with new attempts where they may help.
extension HubPublisher {
    /// Posts JSON to a place of the hub, or to an address.
    ///
    /// - Parameter statuses: that are answers, too.
    func post(
        _ place: String, _ fields: [String: Any], accepting statuses: Set<Int> = [], type: String = "application/json"
    ) throws -> HTTPUpload.Answer {
        let body = try JSONSerialization.data(withJSONObject: fields)
        return try send(
            "POST", place.hasPrefix("/") ? access.endpoint + place : place, type: type, accepting: statuses,
            body: .bytes([UInt8](body)))
    }

    /// - Throws: `DataError.hub`.
    func send(
        _ method: String, _ url: String, type: String? = nil, accepting statuses: Set<Int> = [], body: HTTPUpload.Body
    ) throws -> HTTPUpload.Answer {
        var headers: [(name: String, value: String)] = []
        if let type {
            headers += [("Content-Type", type), ("Accept", type.contains("lfs") ? type : "application/json")]
        }
        // Storage, to which files are put, is let in by the address itself, and must not see the token.
        let isHub = method != "PUT" && HTTPOrigin(of: url) == HTTPOrigin(of: access.endpoint)
        if isHub, let token = access.token { headers.append(("Authorization", "Bearer \(token)")) }
        let upload = HTTPUpload(method: method, url: url, headers: headers, body: body)
        var spread = RandomGenerator(seed: UInt64(getpid()), purpose: "retry \(url)")
        var failures = 0
        while true {
            var reason = ""
            var pause: Double?
            do {
                let answer = try upload.perform(access)
                if (200..<300).contains(answer.status) || statuses.contains(answer.status) { return answer }
                guard RetryPolicy.isTemporary(answer.status) else {
                    let text = String(decoding: answer.body.prefix(200), as: UTF8.self)
                    throw DataError.hub(
                        .refused(
                            url: HubClient.shown(url), status: answer.status, message: text,
                            hasToken: access.token != nil))
                }
                (reason, pause) = ("status \(answer.status)", RetryPolicy.retryAfter(answer.headers["retry-after"]))
            } catch let broken as HTTPUpload.Broken {
                reason = broken.reason
            }
            failures += 1
            let wait = pause ?? access.retry.pause(failures: failures, spread: spread.uniform())
            guard failures < access.retry.attempts, wait <= access.retry.longestRetryAfter else {
                throw DataError.hub(.unreachable(url: HubClient.shown(url), attempts: failures, reason: reason))
            }
            Thread.sleep(forTimeInterval: wait)
        }
    }

    func json(_ answer: HTTPUpload.Answer) throws -> JSON? {
        do { return try JSON.parse(answer.body, path: access.endpoint) } catch {
            throw unexpected("JSON", "\(error)")
        }
    }

    func unexpected(_ expected: String, _ got: String) -> DataError {
        .hub(.unexpectedAnswer(url: "\(access.endpoint)/\(repository.id)", expected: expected, got: got))
    }
}
