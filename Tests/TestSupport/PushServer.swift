import Formats
import Foundation
import Synchronization

/// A small HTTP server on this machine that takes uploads as the hub does: repositories, Git LFS's batch with plain and
/// multipart transfers, commits and tags.
public final class PushServer: Sendable {
    private struct State {
        /// Content by place in the repository.
        var files: [String: [UInt8]] = [:]
        /// Content of large files by SHA-256.
        var objects: [String: [UInt8]] = [:]
        var parts: [String: [Int: [UInt8]]] = [:]
        var tags: Set<String> = []
        var requests: [String] = []
        var repository: [UInt8] = []
        /// Statuses that the next uploads of content get, in turn; 0 for none.
        var faults: [Int] = []
    }

    private let state = Mutex(State())
    private let listener: Listener
    private let token: String
    /// Files of this many bytes and more are large.
    private let largeSize: Int
    /// Size of a part; nil for transfers in one piece.
    private let chunk: Int?

    public init(token: String, largeSize: Int, chunk: Int?) throws {
        (self.token, self.largeSize, self.chunk) = (token, largeSize, chunk)
        listener = try Listener()
        listener.start { [weak self] connection in
            while let request = connection.request() {
                let count = request.headers["content-length"].flatMap { Int($0) } ?? 0
                guard let self, let body = connection.body(count) else { return }
                let (status, headers, answer) = self.answer(request, body)
                guard connection.send(status, headers, answer) else { return }
            }
        }
    }

    deinit { listener.stop() }

    public var endpoint: String { "http://127.0.0.1:\(listener.port)" }
    public var files: [String: [UInt8]] { state.withLock { $0.files } }
    public var tags: Set<String> { state.withLock { $0.tags } }
    /// Method and path of each, in order.
    public var requests: [String] { state.withLock { $0.requests } }
    /// What the repository was asked to be.
    public var repository: String { state.withLock { String(decoding: $0.repository, as: UTF8.self) } }
    public func fail(with statuses: [Int]) { state.withLock { $0.faults = statuses } }

    /// As if bits of a stored file had turned over.
    public func damage(_ path: String) { state.withLock { $0.files[path]?[0] ^= 1 } }

    private typealias Answer = (status: Int, headers: [String: String], body: [UInt8])

    private func answer(_ request: Connection.Request, _ body: [UInt8]) -> Answer {
        let path = request.path
        state.withLock { $0.requests.append("\(request.method) \(path)") }
        if path.hasPrefix("/storage/") { return store(String(path.dropFirst("/storage/".count)), request, body) }
        guard request.headers["authorization"] == "Bearer \(token)" else {
            return (401, [:], Array(#"{"error": "Invalid credentials"}"#.utf8))
        }
        let fields = (try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any] ?? [:]
        if path == "/api/repos/create" {
            let isNew = state.withLock { state in
                defer { state.repository = body }
                return state.repository.isEmpty
            }
            return json(isNew ? 200 : 409, [:])
        }
        if path.contains("/paths-info/") { return json(200, entries(fields["paths"] as? [String] ?? [])) }
        if path.contains("/preupload/") {
            let files = (fields["files"] as? [[String: Any]] ?? []).map { file -> [String: Any] in
                let isLarge = (file["size"] as? Int ?? 0) >= largeSize
                return ["path": file["path"] ?? "", "uploadMode": isLarge ? "lfs" : "regular", "shouldIgnore": false]
            }
            return json(200, ["files": files])
        }
        if path.hasSuffix("/info/lfs/objects/batch") {
            return json(200, ["objects": (fields["objects"] as? [[String: Any]] ?? []).map(actions)])
        }
        if path.contains("/commit/") { return commit(body) }
        if path.contains("/tag/") {
            guard request.method == "POST" else {
                let name = path.split(separator: "/").last.map(String.init) ?? ""
                state.withLock { _ = $0.tags.remove(name) }
                return json(200, [:])
            }
            let isNew = state.withLock { $0.tags.insert(fields["tag"] as? String ?? "").inserted }
            return json(isNew ? 200 : 409, [:])
        }
        return json(404, ["error": "Not found"])
    }

    /// The storage knows no token: its addresses are signed.
    private func store(_ name: String, _ request: Connection.Request, _ body: [UInt8]) -> Answer {
        guard request.headers["authorization"] == nil || request.method == "POST" else { return json(400, [:]) }
        let fault = state.withLock { $0.faults.isEmpty ? 0 : $0.faults.removeFirst() }
        guard fault == 0 else { return json(fault, [:]) }
        let words = name.split(separator: "/").map(String.init)
        switch (request.method, words.count) {
        case ("PUT", 1):
            state.withLock { $0.objects[words[0]] = body }
        case ("PUT", 2):
            state.withLock { $0.parts[words[0], default: [:]][Int(words[1]) ?? 0] = body }
            return (200, ["ETag": "\"part-\(words[1])\""], [])
        case ("POST", _):
            state.withLock { state in
                let parts = (state.parts[words[0]] ?? [:]).sorted { $0.key < $1.key }
                if !parts.isEmpty { state.objects[words[0]] = parts.flatMap(\.value) }
            }
        default: return json(404, [:])
        }
        return json(200, [:])
    }

    private func actions(_ object: [String: Any]) -> [String: Any] {
        let (oid, size) = (object["oid"] as? String ?? "", object["size"] as? Int ?? 0)
        guard state.withLock({ $0.objects[oid] == nil }) else { return object }
        var upload: [String: Any] = ["href": "\(endpoint)/storage/\(oid)"]
        if let chunk {
            var header = ["chunk_size": "\(chunk)"]
            for part in 1...max(1, (size + chunk - 1) / chunk) {
                header[String(format: "%05d", part)] = "\(endpoint)/storage/\(oid)/\(part)"
            }
            upload["header"] = header
        }
        return object.merging(["actions": ["upload": upload]]) { $1 }
    }

    private func commit(_ body: [UInt8]) -> Answer {
        for line in body.split(separator: UInt8(ascii: "\n")) {
            guard let object = (try? JSONSerialization.jsonObject(with: Data(line))) as? [String: Any],
                let value = object["value"] as? [String: Any], let path = value["path"] as? String
            else { continue }
            if object["key"] as? String == "lfsFile" {
                guard let content = state.withLock({ $0.objects[value["oid"] as? String ?? ""] }) else {
                    return json(400, ["error": "LFS pointer pointed to a file that does not exist"])
                }
                state.withLock { $0.files[path] = content }
            } else {
                let content = Data(base64Encoded: value["content"] as? String ?? "") ?? Data()
                state.withLock { $0.files[path] = [UInt8](content) }
            }
        }
        return json(200, ["commitOid": HubServer.commit])
    }

    private func entries(_ paths: [String]) -> [[String: Any]] {
        paths.compactMap { path in
            guard let content = state.withLock({ $0.files[path] }) else { return nil }
            let digest = SHA256.hexadecimal(of: content)
            var entry: [String: Any] = ["path": path, "type": "file", "size": content.count, "oid": Self.git(content)]
            if content.count >= largeSize { entry["lfs"] = ["oid": digest, "size": content.count] }
            return entry
        }
    }

    /// Git's own word on what a blob's name is.
    private static func git(_ content: [UInt8]) -> String {
        let process = Process()
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: file) }
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["git", "hash-object", file.path]
        process.standardOutput = output
        guard (try? Data(content).write(to: file)) != nil, (try? process.run()) != nil else { return "" }
        process.waitUntilExit()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func json(_ status: Int, _ value: Any) -> Answer {
        (status, [:], [UInt8]((try? JSONSerialization.data(withJSONObject: value)) ?? Data()))
    }
}
