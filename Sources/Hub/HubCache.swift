import DataCore
import Formats
import Foundation

/// The folder in which Hugging Face's programs keep downloaded files, read without a network.
///
///     models--org--name/refs/main                          a commit's hash
///     models--org--name/snapshots/<commit>/<file>          usually a link to ../../blobs/<etag>
///     datasets--org--name/…
///
/// Every look-up ends in a path or in `DataError.missingHubFile`, which has all that a download needs.
public struct HubCache: Sendable, Hashable {
    /// The folder that holds `models--…` and `datasets--…`.
    public let root: String

    public init(root: String) {
        self.root = root
    }

    /// The cache that the variables of a process name, by the rules of `huggingface_hub`: `HF_HUB_CACHE`, the older
    /// `HUGGINGFACE_HUB_CACHE`, `hub` below `HF_HOME`, `huggingface/hub` below `XDG_CACHE_HOME`, and last
    /// `~/.cache/huggingface/hub`. Empty variables count as absent.
    public init(environment: [String: String]) {
        let folders = CacheFolders(environment: environment)
        let home = folders["HF_HOME"] ?? "\(folders.cache)/huggingface"
        root = folders["HF_HUB_CACHE"] ?? folders["HUGGINGFACE_HUB_CACHE"] ?? "\(home)/hub"
    }

    /// The file of a repository on this disk.
    ///
    /// - Parameter file: its path within the repository.
    /// - Throws: `DataError.invalidHubName` for a file name that leads elsewhere; `.missingHubFile`;
    ///   `.damagedHubCache`; `.lfsPointer` and `.emptyFile` for a file without its content.
    public func path(of file: String, in repository: HubRepository) throws -> String {
        try HubRepository.requirePath(file, what: "file")
        let commit = try commit(of: repository, for: file)
        let path = "\(root)/\(repository.cacheFolder)/snapshots/\(commit)/\(file)"
        guard FileManager.default.fileExists(atPath: path) else {
            if let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path) {
                throw DataError.damagedHubCache(
                    path: path, problem: "links to \(target), which is not there",
                    remedy: repository.downloadCommand(file: file))
            }
            throw DataError.missingHubFile(repository: repository, file: file, lookedFor: path)
        }
        try MetadataFile.requireContent(path: path, purpose: "a file of \(repository)")
        return path
    }

    /// The commit that a repository's revision names: itself, or what the reference of that name says.
    ///
    /// - Throws: `DataError.missingHubFile` without the repository or the reference; `.damagedHubCache`.
    func commit(of repository: HubRepository, for file: String = "") throws -> String {
        guard !Self.isCommit(repository.revision) else { return repository.revision }
        let folder = "\(root)/\(repository.cacheFolder)"
        let reference = "\(folder)/refs/\(repository.revision)"
        for path in [folder, reference] where !FileManager.default.fileExists(atPath: path) {
            throw DataError.missingHubFile(repository: repository, file: file, lookedFor: path)
        }
        return try Self.commit(in: reference)
    }

    private static func commit(in reference: String) throws -> String {
        try MetadataFile.requireContent(path: reference, purpose: "a commit's hash")
        let handle = FileHandle(forReadingAtPath: reference)
        defer { try? handle?.close() }
        let start = (try? handle?.read(upToCount: 64)) ?? Data()
        let text = String(decoding: start, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard isCommit(text) else {
            throw DataError.damagedHubCache(
                path: reference, problem: "expected a commit's hash of 40 hexadecimal digits, got something else",
                remedy: "remove it and download again")
        }
        return text
    }

    static func isCommit(_ text: String) -> Bool {
        text.utf8.count == 40
            && text.utf8.allSatisfy { 48...57 ~= $0 || UInt8(ascii: "a")...UInt8(ascii: "f") ~= $0 }
    }
}

/// Folders that variables of a process name, and the user's cache folder where they do not.
public struct CacheFolders: Sendable {
    private let environment: [String: String]

    public init(environment: [String: String]) {
        self.environment = environment
    }

    /// The value of a variable, with `~` replaced; nil where it is absent or empty.
    public subscript(variable: String) -> String? {
        guard let value = environment[variable], !value.isEmpty else { return nil }
        let expanded = expandingHome(value)
        return expanded.count > 1 && expanded.hasSuffix("/") ? String(expanded.dropLast()) : expanded
    }

    /// `XDG_CACHE_HOME`, else `~/.cache`.
    public var cache: String { self["XDG_CACHE_HOME"] ?? expandingHome("~/.cache") }

    /// Where what is found out about plain videos is kept.
    public var videoTables: String { "\(cache)/lam/videos" }

    /// `path` with the user's home folder in place of a leading `~`.
    public func expandingHome(_ path: String) -> String {
        HomeFolder.expanding(path, home: environment["HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? "/")
    }
}
