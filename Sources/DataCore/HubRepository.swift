/// A repository of the Hugging Face hub at one revision.
public struct HubRepository: Sendable, Hashable {
    public enum Kind: String, Sendable {
        case model, dataset
    }

    public let kind: Kind
    /// `org/name`, or a bare name from the hub's first years, such as `t5-base`.
    public let id: String
    /// A branch, a tag, a commit or `refs/pr/N`.
    public let revision: String

    /// - Parameter text: `org/name` or `name`, with `@revision` behind it where it is not `main`.
    /// - Throws: `DataError.invalidHubName`.
    public init(_ text: String, kind: Kind = .model) throws {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        try self.init(id: parts[0], revision: parts.count > 1 ? parts[1] : "main", kind: kind)
    }

    /// - Throws: `DataError.invalidHubName`. What passes cannot lead out of the cache folder: no part of it is empty,
    ///   `.` or `..`.
    public init(id: String, revision: String = "main", kind: Kind = .model) throws {
        let parts = id.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), id.utf8.count <= 96, parts.allSatisfy(Self.isName) else {
            throw DataError.invalidHubName(
                what: "\(kind.rawValue) repository", got: id,
                expected: "org/name or name of letters, digits, ., _ and -")
        }
        try Self.requirePath(revision, what: "revision")
        self.kind = kind
        self.id = id
        self.revision = revision
    }

    /// The repository's folder in a cache: `models--org--name`.
    package var cacheFolder: String { "\(kind.rawValue)s--" + id.split(separator: "/").joined(separator: "--") }

    /// The command that puts `file` where `HubCache` finds it.
    public func downloadCommand(file: String) -> String {
        "hf download \(id) \(file)" + (kind == .dataset ? " --repo-type dataset" : "")
            + (revision == "main" ? "" : " --revision \(revision)")
    }

    /// Checks that a name from outside stays below the folder it is put behind.
    package static func requirePath(_ path: String, what: String) throws {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let isPlain = parts.allSatisfy { part in
            !part.isEmpty && part != "." && part != ".." && part.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
        }
        guard isPlain, path.utf8.count <= 1024 else {
            throw DataError.invalidHubName(
                what: what, got: path, expected: "a relative path without empty parts, . or .., blanks or controls")
        }
    }

    /// The hub's rule for a user's, an organisation's or a repository's name.
    private static func isName(_ part: Substring) -> Bool {
        func isEdge(_ byte: UInt8?) -> Bool { byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") }
        let isWord = part.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        return isWord && !part.isEmpty && !isEdge(part.utf8.first) && !isEdge(part.utf8.last)
            && !part.contains("--") && !part.contains("..")
    }
}

extension HubRepository: CustomStringConvertible {
    public var description: String { "\(kind.rawValue) \(id)" + (revision == "main" ? "" : " at \(revision)") }
}
