import DataCore
import Foundation
import Hub
import Synchronization
import TestSupport

/// A hub that answers with the bytes of a file, right or not: the list of a repository's files, what it says of one of them, and
/// that one's content, with a separator between them.
enum DamagedHub {
    private static let separator: UInt8 = 0x1E
    private static let commit = HubServer.commit

    static let answers: [UInt8] = {
        let listing = #"""
            {"sha": "\#(commit)", "siblings": [{"rfilename": "meta/info.json"}, {"rfilename": "data/chunk-000/file-000.parquet"}]}
            """#
        let content = #"{"codebase_version": "v2.1", "total_episodes": 1, "fps": 10, "features": {}}"#
        let facts = "ETag: \"0123456789abcdef0123456789abcdef01234567\"\r\nX-Repo-Commit: \(commit)"
        return [
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: \(listing.utf8.count)\r\n\r\n\(listing)",
            "HTTP/1.1 200 OK\r\n\(facts)\r\nContent-Length: \(content.utf8.count)\r\nAccept-Ranges: bytes\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\(facts)\r\nContent-Length: \(content.utf8.count)\r\n\r\n\(content)",
        ].map { Array($0.utf8) }.joined(separator: [separator]).map { $0 }
    }()

    /// - Parameter file: the answers, looked at anew for each request.
    static func server(_ file: @escaping @Sendable () -> String) throws -> RawServer {
        try RawServer { method, path in
            let bytes = FileManager.default.contents(atPath: file()).map { [UInt8]($0) } ?? []
            let parts = bytes.split(separator: separator, omittingEmptySubsequences: false)
            let place = path.hasPrefix("/api/") ? 0 : method == "HEAD" ? 1 : 2
            return place < parts.count ? Array(parts[place]) : []
        }
    }

    private static let current = Mutex("")
    private static let running = Result { try server { current.withLock { $0 } } }

    /// Asks for the list and for a file, with a cache of its own.
    static func read(_ path: String) throws {
        current.withLock { $0 = path }
        let cache = path + "-cache"
        defer { try? FileManager.default.removeItem(atPath: cache) }
        var access = try HubAccess(environment: [
            "HF_ENDPOINT": try running.get().endpoint, "HF_HUB_CACHE": cache, "HOME": cache, "HF_HOME": cache,
        ])
        access.retry.attempts = 2
        access.retry.firstPause = 0
        access.retry.longestRetryAfter = 0
        access.stallSeconds = 2
        let store = HubStore(access, limitBytes: nil)
        let snapshot = try store.snapshot(of: HubRepository("org/name", kind: .dataset))
        _ = try store.hold("meta/info.json", of: snapshot)
    }
}
