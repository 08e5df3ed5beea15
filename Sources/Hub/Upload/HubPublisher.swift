import DataCore
import Foundation
import Formats

/// Puts files into a repository of the hub, so that a second attempt goes on where the first one ended.
///
/// What the repository has already is not sent; large files go to the hub's storage one by one and are sent once, whatever
/// becomes of the commit; in the end the hub is asked whether it has every file with the content that lies here.
/// The interface is that of `huggingface_hub` 1.0: `preupload`, Git LFS's batch, `commit` and `paths-info`.
public struct HubPublisher: Sendable {
    let access: HubAccess
    let repository: HubRepository
    private let say: @Sendable (String) -> Void

    /// What was done.
    public struct Outcome: Sendable, Equatable {
        /// Files that were sent, and those that were there already.
        public var sent = 0
        public var kept = 0
        /// The commit that has all of them; nil where nothing had to be changed.
        public var commit: String?
    }

    /// Files of one request: the hub refuses many more.
    private static let filesInRequest = 200

    /// - Parameter say: takes lines on progress.
    public init(_ repository: HubRepository, _ access: HubAccess, say: @escaping @Sendable (String) -> Void) {
        (self.repository, self.access, self.say) = (repository, access, say)
    }

    /// Sends what is missing, commits it and checks the result.
    ///
    /// - Parameters:
    ///   - isPrivate: of a repository that is made now.
    ///   - tag: is set to the result, if named.
    /// - Throws: `DataError.hub`, `.unreadableFile`.
    public func publish(
        _ files: [HubUploadFile], message: String, isPrivate: Bool, tag: String?
    ) throws -> Outcome {
        try create(isPrivate: isPrivate)
        var outcome = Outcome()
        let found = try revisionInfo(of: files)
        let missing = try files.filter { try !isThere($0, in: found[$0.path]) }
        outcome.kept = files.count - missing.count
        let isLarge = try largeFiles(among: missing)
        let large = missing.filter { isLarge.contains($0.path) }
        for part in large.parts(Self.filesInRequest) { try store(part) }
        for part in missing.parts(Self.filesInRequest) {
            outcome.commit = try commit(part, isLarge: isLarge, message: message)
            outcome.sent += part.count
        }
        try verify(files)
        if let tag { try set(tag: tag) }
        return outcome
    }

    private var api: String { "/api/\(repository.kind.rawValue)s/\(repository.id)" }

    private func create(isPrivate: Bool) throws {
        let parts = repository.id.split(separator: "/").map(String.init)
        var fields: [String: Any] = [
            "name": parts[parts.count - 1], "type": repository.kind.rawValue, "private": isPrivate,
        ]
        if parts.count > 1 { fields["organization"] = parts[0] }
        // 409: it is there already.
        _ = try post("/api/repos/create", fields, accepting: [409])
    }

    // MARK: What is there

    private func revisionInfo(of files: [HubUploadFile]) throws -> [String: JSON] {
        var found: [String: JSON] = [:]
        for part in files.parts(Self.filesInRequest) {
            let answer = try post(
                "\(api)/paths-info/\(escaped(repository.revision))", ["paths": part.map(\.path), "expand": false])
            guard let entries = try json(answer)?.array else { continue }
            for entry in entries { if let path = entry["path"]?.string { found[path] = entry } }
        }
        return found
    }

    /// Whether an entry of the hub is a file's content.
    private func isThere(_ file: HubUploadFile, in entry: JSON?) throws -> Bool {
        guard let entry, entry["size"]?.int == file.size else { return false }
        if let oid = entry["lfs"]?["oid"]?.string { return oid == file.sha256 }
        return file.size <= HubUploadFile.wholeLimit ? try entry["oid"]?.string == file.gitName() : false
    }

    private func verify(_ files: [HubUploadFile]) throws {
        let found = try revisionInfo(of: files)
        for file in files where try !isThere(file, in: found[file.path]) {
            throw DataError.hub(
                .unexpectedContent(
                    url: "\(access.endpoint)/\(repository.id)", what: file.path,
                    expected: "\(file.size) bytes with the SHA-256 \(file.sha256)",
                    got: found[file.path]?.summary ?? "no such file"))
        }
    }

    // MARK: Large files

    /// Paths of those that the hub wants in its storage for large files.
    private func largeFiles(among files: [HubUploadFile]) throws -> Set<String> {
        var large: Set<String> = []
        for part in files.parts(Self.filesInRequest) {
            let entries = part.map { file -> [String: Any] in
                let sample =
                    (try? FileHandle(forReadingFrom: URL(fileURLWithPath: file.source)))
                    .flatMap { try? $0.read(upToCount: 512) } ?? Data()
                return ["path": file.path, "size": file.size, "sample": sample.base64EncodedString()]
            }
            let answer = try post("\(api)/preupload/\(escaped(repository.revision))", ["files": entries])
            for entry in try json(answer)?["files"]?.array ?? [] where entry["uploadMode"]?.string == "lfs" {
                if let path = entry["path"]?.string { large.insert(path) }
            }
            // What does not fit into a commit goes there whatever the hub says.
            large.formUnion(part.filter { $0.size > HubUploadFile.wholeLimit }.map(\.path))
        }
        return large
    }

    /// Sends the files that the storage does not have.
    private func store(_ files: [HubUploadFile]) throws {
        let prefix = repository.kind == .dataset ? "/datasets/" : "/"
        let answer = try post(
            "\(prefix)\(repository.id).git/info/lfs/objects/batch",
            [
                "operation": "upload", "transfers": ["basic", "multipart"], "hash_algo": "sha256",
                "objects": files.map { ["oid": $0.sha256, "size": $0.size] as [String: Any] },
            ], type: "application/vnd.git-lfs+json")
        for object in try json(answer)?["objects"]?.array ?? [] {
            guard let oid = object["oid"]?.string, let file = files.first(where: { $0.sha256 == oid }) else { continue }
            if let message = object["error"]?["message"]?.string { throw unexpected("room for \(file.path)", message) }
            guard let upload = object["actions"]?["upload"], let address = upload["href"]?.string else { continue }
            say("sending \(file.path), \(file.size >> 20) MiB")
            if let chunk = upload["header"]?["chunk_size"]?.string.flatMap({ Int($0) }), chunk > 0 {
                try sendParts(file, chunk: chunk, upload: upload, to: address)
            } else {
                _ = try send("PUT", address, body: .file(path: file.source, range: 0..<file.size))
            }
            if let check = object["actions"]?["verify"]?["href"]?.string {
                _ = try post(check, ["oid": oid, "size": file.size], type: "application/vnd.git-lfs+json")
            }
        }
    }

    /// Sends a file in the parts that the storage wants; their addresses are numbered from 1.
    private func sendParts(_ file: HubUploadFile, chunk: Int, upload: JSON, to address: String) throws {
        var parts: [[String: Any]] = []
        var start = 0
        while start < file.size {
            let number = parts.count + 1
            let digits = String(number)
            let widths = digits.count...max(5, digits.count)
            let names = widths.map { String(repeating: "0", count: $0 - digits.count) + digits }
            guard digits.count <= 5, let part = names.lazy.compactMap({ upload["header"]?[$0]?.string }).first else {
                throw unexpected("an address for part \(number) of \(file.path)", "none")
            }
            let end = min(file.size, start + chunk)
            let answer = try send("PUT", part, body: .file(path: file.source, range: start..<end))
            guard let etag = answer.headers["etag"] else { throw unexpected("an ETag of part \(number)", "none") }
            parts.append(["partNumber": number, "etag": etag])
            start = end
        }
        _ = try post(address, ["oid": file.sha256, "parts": parts], type: "application/vnd.git-lfs+json")
    }

    // MARK: Commit and tag

    private func commit(_ files: [HubUploadFile], isLarge: Set<String>, message: String) throws -> String {
        var lines: [[String: Any]] = [["key": "header", "value": ["summary": message, "description": ""]]]
        for file in files {
            lines.append(
                isLarge.contains(file.path)
                    ? [
                        "key": "lfsFile",
                        "value": ["path": file.path, "algo": "sha256", "oid": file.sha256, "size": file.size]
                            as [String: Any],
                    ]
                    : [
                        "key": "file",
                        "value": [
                            "path": file.path, "encoding": "base64",
                            "content": Data(try file.content()).base64EncodedString(),
                        ],
                    ])
        }
        let body = try lines.map { try JSONSerialization.data(withJSONObject: $0) + Data("\n".utf8) }.reduce(Data(), +)
        let answer = try send(
            "POST", access.endpoint + "\(api)/commit/\(escaped(repository.revision))", type: "application/x-ndjson",
            body: .bytes([UInt8](body)))
        guard let commit = try json(answer)?["commitOid"]?.string else { throw unexpected("commitOid", "none") }
        return commit
    }

    /// A tag that is there already is moved.
    private func set(tag: String) throws {
        let place = "\(api)/tag/\(escaped(repository.revision))"
        guard try post(place, ["tag": tag], accepting: [409]).status == 409 else { return }
        _ = try send("DELETE", access.endpoint + "\(api)/tag/\(escaped(tag))", body: .bytes([]))
        _ = try post(place, ["tag": tag])
    }

    private func escaped(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(CharacterSet(charactersIn: "-._~")))
            ?? text
    }
}

extension Array {
    fileprivate func parts(_ size: Int) -> [[Element]] {
        stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min(count, $0 + size)]) }
    }
}
