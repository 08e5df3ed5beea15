import DataCore
import Foundation

/// The files of a dataset repository at one commit.
package struct HubSnapshot: Sendable {
    package let repository: HubRepository
    /// 40 hexadecimal digits: what it names never changes.
    package let commit: String
    /// Paths within the repository; nil where nobody could be asked.
    package let files: Set<String>?
}

/// What the hub says of a file before it is fetched.
struct HubFileFacts: Equatable {
    /// Names the content: SHA-256 for large files, a Git object for others.
    let etag: String
    let size: Int?
    /// Where the bytes are; the hub's own address, or a signed one of a storage host.
    let source: String

    var sha256: String? { etag.utf8.count == 64 && etag.utf8.allSatisfy(Self.isHexadecimal) ? etag : nil }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        48...57 ~= byte || UInt8(ascii: "a")...UInt8(ascii: "f") ~= byte
    }
}

/// The hub's interface, as far as datasets need it. SPEC_LEROBOT §5.
extension HubClient {
    /// Answers beyond this size list more than ten million files.
    private static let listingBytes = 1 << 30

    /// The commit that a revision names, and its files.
    ///
    /// - Throws: `DataError.hub`.
    func snapshot(of repository: HubRepository) throws -> HubSnapshot {
        let url = "\(access.endpoint)/api/datasets/\(repository.id)/revision/\(Self.escaped(repository.revision, "/"))"
        let json = try json(of: url)
        guard let commit = json["sha"]?.string, HubCache.isCommit(commit) else {
            throw unexpected(url, "sha of 40 hexadecimal digits", json["sha"])
        }
        guard let siblings = json["siblings"]?.array else { throw unexpected(url, "siblings", json["siblings"]) }
        let files = try siblings.map { entry in
            guard let name = entry["rfilename"]?.string else { throw unexpected(url, "rfilename", entry["rfilename"]) }
            return name
        }
        return HubSnapshot(repository: repository, commit: commit, files: Set(files))
    }

    /// Names of the repository's tags.
    func tags(of repository: HubRepository) throws -> [String] {
        let url = "\(access.endpoint)/api/datasets/\(repository.id)/refs"
        guard let tags = try json(of: url)["tags"]?.array else { return [] }
        return tags.compactMap { $0["name"]?.string }
    }

    /// One attempt to ask for a file's facts.
    ///
    /// - Throws: `Temporary`; `DataError.hub`.
    func facts(of file: String, in snapshot: HubSnapshot, isCancelled: @escaping () -> Bool) throws -> HubFileFacts {
        let url = address(of: file, in: snapshot)
        let answer: HTTPAnswer
        do {
            answer = try exchange(
                url, isHead: true, headers: [("Accept-Encoding", "identity")], stopsAtOtherHosts: true,
                isCancelled: isCancelled)
        } catch DataError.hub(.refused(_, 404, _, _)) {
            throw DataError.hub(.noSuchFile(repository: snapshot.repository, commit: snapshot.commit, file: file))
        }
        guard let header = answer.headers["x-linked-etag"] ?? answer.headers["etag"], let etag = Self.plain(header)
        else {
            throw DataError.hub(
                .unexpectedAnswer(
                    url: Self.shown(url), expected: "an ETag", got: answer.headers["etag"] ?? "none"))
        }
        let length =
            answer.headers["x-linked-size"] ?? (answer.location == nil ? answer.headers["content-length"] : nil)
        return HubFileFacts(
            etag: etag, size: length.flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil }, source: answer.location ?? url)
    }

    func address(of file: String, in snapshot: HubSnapshot) -> String {
        "\(access.endpoint)/datasets/\(snapshot.repository.id)/resolve/\(snapshot.commit)/\(Self.escaped(file, "/"))"
    }

    /// An ETag without marks of weakness and quotes; nil for one that cannot name a file.
    static func plain(_ etag: String) -> String? {
        let bare = (etag.hasPrefix("W/") ? etag.dropFirst(2) : etag[...]).trimmingCharacters(in: ["\""])
        let isName = bare.utf8.allSatisfy { byte in
            48...57 ~= byte || 65...90 ~= byte || 97...122 ~= byte || byte == UInt8(ascii: "-")
                || byte == UInt8(ascii: "_")
        }
        return isName && (1...128).contains(bare.utf8.count) ? bare : nil
    }

    private func json(of url: String) throws -> JSON {
        let content = try content(of: url, limit: Self.listingBytes)
        do {
            return try JSON.parse(content, path: Self.shown(url))
        } catch {
            throw DataError.hub(.unexpectedAnswer(url: Self.shown(url), expected: "JSON", got: "\(error)"))
        }
    }

    private func unexpected(_ url: String, _ expected: String, _ got: JSON?) -> DataError {
        .hub(.unexpectedAnswer(url: Self.shown(url), expected: expected, got: got?.summary ?? "nothing"))
    }

    private static func escaped(_ text: String, _ besides: String) -> String {
        let plain = CharacterSet(
            charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~" + besides)
        return text.addingPercentEncoding(withAllowedCharacters: plain) ?? text
    }
}
