import DataCore
import Foundation
import LAMData
import Synchronization
import TestSupport
import Testing

/// Answers that no hub gives.
@Suite struct HubAnswerTests {
    @Test("an answer that begins with a folded line, on the heels of a good one, is an error and writes nowhere")
    func folded() throws {
        let listing = #"{"sha": "\#(HubServer.commit)", "siblings": []}"#
        let length = "Content-Length: \(listing.utf8.count)\r\n"
        let (good, folded) = (
            "HTTP/1.1 200 OK\r\nA: b\r\n\(length)", "HTTP/1.1 200 OK\r\n Tag: \(HubServer.commit)\r\n"
        )
        let requests = Atomic(0)
        let server = try RawServer { _, _ in
            let number = requests.add(1, ordering: .relaxed).oldValue
            return Array("\(number.isMultiple(of: 2) ? good : folded + length)\r\n\(listing)".utf8)
        }
        let cache = try TemporaryFolder()
        var access = try HubAccess(environment: [
            "HF_HUB_CACHE": cache.path("hub"), "HF_ENDPOINT": server.endpoint, "HOME": cache.path("home"),
        ])
        access.retry.attempts = 1
        let store = HubStore(access, limitBytes: nil)
        // libcurl 7.88 does not survive some twenty of them on one handle.
        for round in 0..<60 {
            let repository = try HubRepository(id: "org/name", revision: "r\(round)", kind: .dataset)
            if round.isMultiple(of: 2) {
                #expect(try store.snapshot(of: repository).commit == HubServer.commit)
            } else {
                #expect(throws: DataError.self) { try store.snapshot(of: repository) }
            }
        }
    }
}
