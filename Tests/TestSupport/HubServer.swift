import Formats
import Foundation
import Synchronization

/// A small HTTP server on this machine that serves folders as dataset repositories in the hub's layout, and can
/// misbehave. A second server, on a port of its own, stands for the storage host that the hub sends large files from.
public final class HubServer: Sendable {
    /// What the next request for a file meets.
    public enum Fault: Sendable {
        case status(Int, retryAfter: String? = nil)
        /// Nothing more comes after this many bytes, and the connection stays open.
        case stall(after: Int)
        /// The connection ends after this many bytes.
        case truncate(after: Int)
        /// A 206 that begins elsewhere than asked.
        case wrongRange
        /// 200 and the whole file, whatever range was asked for.
        case ignoreRange
        /// 416, as if the file had shrunk.
        case refuseRange
        /// The first byte is another.
        case damage
        /// Another ETag than the one promised before.
        case otherETag
        /// A redirect to this address instead of the content.
        case redirect(String)
    }

    public struct Request: Sendable {
        public let method: String
        public let path: String
        public let range: String?
        public let authorization: String?
        /// Whether it came to the storage host.
        public let isStorage: Bool
    }

    private struct State {
        /// By file name at the end of a path, in the order in which they happen.
        var faults: [String: [Fault]] = [:]
        var requests: [Request] = []
        var delay = 0.0
        var refusesWhole = false
    }

    private let repositories: [String: URL]
    private let state = Mutex(State())
    private let hub: Listener
    private let storage: Listener
    /// Where a token must be sent for an answer; nil for public datasets.
    private let token: String?
    private let tags: [String: [String]]
    private let etags = Mutex<[String: String]>([:])

    public static let commit = "0123456789abcdef0123456789abcdef01234567"

    /// - Parameters:
    ///   - repositories: folders by repository id. A folder `name@tag` beside serves that tag.
    ///   - tags: by repository id, for the list of references.
    public init(_ repositories: [String: URL], token: String? = nil, tags: [String: [String]] = [:]) throws {
        (self.repositories, self.token, self.tags) = (repositories, token, tags)
        hub = try Listener()
        storage = try Listener()
        hub.start { [weak self] connection in self?.serve(connection, isStorage: false) }
        storage.start { [weak self] connection in self?.serve(connection, isStorage: true) }
    }

    deinit {
        hub.stop()
        storage.stop()
    }

    public var endpoint: String { "http://127.0.0.1:\(hub.port)" }
    public var storageEndpoint: String { "http://127.0.0.1:\(storage.port)" }
    public var requests: [Request] { state.withLock { $0.requests } }

    /// Requests for the content of a file.
    public func contentRequests(_ name: String) -> [Request] {
        requests.filter { $0.method == "GET" && $0.path.hasSuffix(name) && ($0.isStorage || !Self.isLarge(name)) }
    }

    /// The next requests for a file's content meet these faults, one each.
    public func fail(_ name: String, with faults: [Fault]) { state.withLock { $0.faults[name] = faults } }

    /// Seconds before each answer with content.
    public func setDelay(_ seconds: Double) { state.withLock { $0.delay = seconds } }

    /// From now on large files come by ranges with an end alone.
    public func refuseWholeFiles(_ refuses: Bool = true) { state.withLock { $0.refusesWhole = refuses } }

    // MARK: Answers

    private static func isLarge(_ path: String) -> Bool { path.hasSuffix(".mp4") || path.hasSuffix(".parquet") }

    private func serve(_ connection: Connection, isStorage: Bool) {
        while let request = connection.request() {
            let path = request.path.split(separator: "?").first.map(String.init) ?? "/"
            state.withLock {
                $0.requests.append(
                    Request(
                        method: request.method, path: path, range: request.headers["range"],
                        authorization: request.headers["authorization"], isStorage: isStorage))
            }
            guard answer(request.method, path, request.headers, connection, isStorage: isStorage) else { return }
        }
    }

    /// False ends the connection.
    private func answer(
        _ method: String, _ path: String, _ headers: [String: String], _ connection: Connection, isStorage: Bool
    ) -> Bool {
        if !isStorage, let token, headers["authorization"] != "Bearer \(token)" {
            return connection.send(401, [:], Array(#"{"error": "Invalid credentials"}"#.utf8))
        }
        let parts = path.split(separator: "/").map(String.init)
        if parts.count >= 4, parts[0] == "api", parts[1] == "datasets" {
            return interface(Array(parts.dropFirst(2)), connection)
        }
        guard parts.count >= 6, parts[0] == "datasets", parts[3] == "resolve",
            let folder = folder("\(parts[1])/\(parts[2])", parts[4])
        else { return connection.send(404, [:], Array(#"{"error": "Repository not found"}"#.utf8)) }
        let name = parts.dropFirst(5).joined(separator: "/").removingPercentEncoding ?? ""
        let file = folder.appendingPathComponent(name)
        guard let content = try? Data(contentsOf: file) else {
            return connection.send(404, ["X-Error-Code": "EntryNotFound"], Array(#"{"error": "Entry not found"}"#.utf8))
        }
        let etag = etag(of: file, content, isLarge: Self.isLarge(name))
        guard Self.isLarge(name), !isStorage else {
            return self.content(
                method, parts[parts.count - 1], headers, Array(content), etag, connection, isStorage: isStorage)
        }
        var answer = [
            "Location": storageEndpoint + path + "?signature=secret", "X-Linked-Size": "\(content.count)",
            "X-Linked-Etag": "\"\(etag)\"", "X-Repo-Commit": Self.commit,
        ]
        answer["ETag"] = "\"pointer\""
        return connection.send(302, answer, [], isHead: method == "HEAD")
    }

    private func content(
        _ method: String, _ name: String, _ headers: [String: String], _ content: [UInt8], _ etag: String,
        _ connection: Connection, isStorage: Bool
    ) -> Bool {
        let isHead = method == "HEAD"
        var content = content
        var answer = ["ETag": "\"\(etag)\"", "Accept-Ranges": "bytes"]
        let bounds = (headers["range"]?.dropFirst("bytes=".count) ?? "").split(separator: "-").map { Int($0) ?? 0 }
        let offset = bounds.first
        let end = min(content.count, bounds.count > 1 ? bounds[1] + 1 : content.count)
        let (fault, delay) = state.withLock { state -> (Fault?, Double) in
            guard !isHead, let first = state.faults[name]?.first else { return (nil, state.delay) }
            state.faults[name]?.removeFirst()
            return (first, state.delay)
        }
        if delay > 0, !isHead { Thread.sleep(forTimeInterval: delay) }
        if !isHead, isStorage, bounds.count < 2, state.withLock({ $0.refusesWhole }) {
            return connection.send(503, [:], Array("busy".utf8))
        }
        func send(cut: Int? = nil, staysOpen: Bool = false) -> Bool {
            guard let offset else {
                return connection.send(200, answer, content, isHead: isHead, cut: cut, staysOpen: staysOpen)
            }
            guard offset < content.count else { return connection.send(416, [:], []) }
            answer["Content-Range"] = "bytes \(offset)-\(end - 1)/\(content.count)"
            return connection.send(
                206, answer, Array(content[offset..<end]), isHead: isHead, cut: cut, staysOpen: staysOpen)
        }
        switch fault {
        case nil: return send()
        case .status(let status, let retryAfter):
            return connection.send(status, retryAfter.map { ["Retry-After": $0] } ?? [:], Array("busy".utf8))
        case .stall(let count): return send(cut: count, staysOpen: true)
        case .truncate(let count): return send(cut: count)
        case .wrongRange:
            answer["Content-Range"] = "bytes 0-\(content.count - 1)/\(content.count)"
            return connection.send(206, answer, content)
        case .ignoreRange: return connection.send(200, answer, content)
        case .refuseRange: return connection.send(416, [:], [])
        case .damage:
            content[0] ^= 1
            return send()
        case .otherETag:
            answer["ETag"] = "\"changed\""
            return send()
        case .redirect(let address): return connection.send(302, ["Location": address], [])
        }
    }

    private func interface(_ parts: [String], _ connection: Connection) -> Bool {
        let id = parts.count > 1 ? "\(parts[0])/\(parts[1])" : ""
        if parts.count == 3, parts[2] == "refs" {
            let tags = (self.tags[id] ?? []).map { #"{"name": "\#($0)", "ref": "refs/tags/\#($0)"}"# }
            return connection.send(
                200, [:], Array(#"{"tags": [\#(tags.joined(separator: ", "))], "branches": []}"#.utf8))
        }
        guard parts.count >= 4, parts[2] == "revision",
            let folder = folder(id, parts[3...].joined(separator: "/"))
        else { return connection.send(404, [:], Array(#"{"error": "Repository not found"}"#.utf8)) }
        let files = (FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []).filter {
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: folder.path + "/" + $0, isDirectory: &isFolder)
                && !isFolder.boolValue
        }
        let siblings = files.sorted().map { #"{"rfilename": "\#($0)"}"# }.joined(separator: ", ")
        let commit = parts[3].count == 40 ? parts[3] : self.commit(of: parts[3])
        return connection.send(200, [:], Array(#"{"sha": "\#(commit)", "siblings": [\#(siblings)]}"#.utf8))
    }

    /// Every revision but `main` has a commit that names it.
    private func commit(of revision: String) -> String {
        revision == "main" ? Self.commit : String(SHA256.hexadecimal(of: Array(revision.utf8)).prefix(40))
    }

    private func folder(_ id: String, _ revision: String) -> URL? {
        for tag in tags[id] ?? [] where revision == tag || revision == commit(of: tag) {
            return repositories["\(id)@\(tag)"] ?? repositories[id]
        }
        guard revision == "main" || revision == Self.commit else { return nil }
        return repositories[id]
    }

    /// Git's name of a small file, SHA-256 of a large one.
    private func etag(of file: URL, _ content: Data, isLarge: Bool) -> String {
        if let known = etags.withLock({ $0[file.path] }) { return known }
        let digest = SHA256.hexadecimal(of: Array(content))
        let etag = isLarge ? digest : String(digest.prefix(40))
        etags.withLock { $0[file.path] = etag }
        return etag
    }
}
