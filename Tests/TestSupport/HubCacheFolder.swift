import Foundation

/// A made-up cache of the Hugging Face hub, laid out as its own programs do.
public final class HubCacheFolder: Sendable {
    public let folder: TemporaryFolder
    public static let commit = "0123456789abcdef0123456789abcdef01234567"

    public init() throws { folder = try TemporaryFolder() }

    /// The variables of a process that uses this cache.
    public var environment: [String: String] { ["HF_HUB_CACHE": folder.root.path, "HOME": folder.path("home")] }

    /// Puts a file into a repository: its content as a blob, a link to it in the snapshot, and a reference.
    ///
    /// - Parameter repository: its folder, `models--org--name`.
    /// - Returns: the path in the snapshot.
    @discardableResult
    public func add(
        _ file: String, to repository: String, revision: String? = "main", commit: String = commit,
        content: String = "content", isDangling: Bool = false
    ) throws -> String {
        let snapshot = folder.url("\(repository)/snapshots/\(commit)/\(file)")
        let manager = FileManager.default
        try manager.createDirectory(at: snapshot.deletingLastPathComponent(), withIntermediateDirectories: true)
        try manager.createDirectory(at: folder.url("\(repository)/blobs"), withIntermediateDirectories: true)
        let blob = folder.path("\(repository)/blobs/\(UUID().uuidString)")
        if !isDangling { try content.write(toFile: blob, atomically: true, encoding: .utf8) }
        try manager.createSymbolicLink(atPath: snapshot.path, withDestinationPath: blob)
        if let revision {
            let reference = folder.url("\(repository)/refs/\(revision)")
            try manager.createDirectory(at: reference.deletingLastPathComponent(), withIntermediateDirectories: true)
            try commit.write(to: reference, atomically: true, encoding: .utf8)
        }
        return snapshot.path
    }
}
