import DataCore
import Foundation
import Synchronization

/// Which files of a cache this program has put there and when each was last used: what may be removed again.
///
///     .lam/datasets--org--name/<etag>       lines of links to the blob, relative to the cache; its time is the last use
///     .lam/datasets--org--name/<commit>.list  the files of a commit
///
/// Files that other programs downloaded have no entry and are never touched. Who reads a file holds a shared lock on
/// its entry; who removes one needs an exclusive one, so processes that share a cache never take files from each other.
final class HubLedger: Sendable {
    private let root: String
    private let limitBytes: Int?

    private struct Usage {
        var bytes = 0
        var bytesUntilLook = 0
    }
    private let usage = Mutex(Usage())

    /// Own downloads after which the folders are looked at again, for what other processes did.
    private static let bytesBetweenLooks = 256 << 20

    /// - Parameters:
    ///   - root: of the cache.
    ///   - limitBytes: bound on the files of all entries together; nil for none.
    init(root: String, limitBytes: Int?) {
        self.root = root
        self.limitBytes = limitBytes
    }

    func folder(_ repository: HubRepository) -> String { "\(root)/.lam/\(repository.cacheFolder)" }

    /// Keeps a file from being removed while the result lives; nil for a file of another program.
    func hold(_ etag: String, of repository: HubRepository) -> FileLock? {
        let entry = "\(folder(repository))/\(etag)"
        guard FileManager.default.fileExists(atPath: entry) else { return nil }
        // Fails only while the file is being removed; the caller then finds it gone.
        let lock = FileLock.attempt(entry, .shared, creates: false)
        if lock != nil { utimensat(AT_FDCWD, entry, nil, 0) }
        return lock
    }

    /// Notes that a link leads to a blob that this program has downloaded.
    ///
    /// - Parameter isNew: the blob was made just now; links to older ones are noted only where an entry exists.
    func note(_ etag: String, of repository: HubRepository, link: String, isNew: Bool) {
        let entry = "\(folder(repository))/\(etag)"
        guard isNew || FileManager.default.fileExists(atPath: entry) else { return }
        try? FileManager.default.createDirectory(atPath: folder(repository), withIntermediateDirectories: true)
        let descriptor = open(entry, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let line = Array((link + "\n").utf8)
        _ = write(descriptor, line, line.count)
    }

    /// Removes files that were not used for longest until `bytes` more fit below the bound. What is in use stays, so
    /// the bound can be passed by what is read at once.
    func makeRoom(for bytes: Int) {
        guard let limitBytes else { return }
        let isLookDue = usage.withLock { usage in
            usage.bytes += bytes
            usage.bytesUntilLook -= bytes
            return usage.bytesUntilLook < 0 || usage.bytes > limitBytes
        }
        guard isLookDue, let lock = FileLock.attempt("\(root)/.lam/lock", .exclusive) else { return }
        defer { withExtendedLifetime(lock) {} }
        var entries = all()
        var total = entries.reduce(0) { $0 + $1.bytes } + bytes
        if total > limitBytes {
            // A tenth more than needed, so that not every download has to look.
            let target = limitBytes - limitBytes / 10
            entries.sort { $0.lastUse < $1.lastUse }
            for entry in entries where total > target {
                if remove(entry) { total -= entry.bytes }
            }
        }
        usage.withLock { $0 = Usage(bytes: total, bytesUntilLook: Self.bytesBetweenLooks) }
    }

    private struct Entry {
        let path: String
        let blob: String
        let bytes: Int
        let lastUse: Double
    }

    private func all() -> [Entry] {
        let manager = FileManager.default
        let repositories = (try? manager.contentsOfDirectory(atPath: "\(root)/.lam")) ?? []
        return repositories.flatMap { repository -> [Entry] in
            let names = (try? manager.contentsOfDirectory(atPath: "\(root)/.lam/\(repository)")) ?? []
            return names.compactMap { name in
                guard !name.contains(".") else { return nil }
                let path = "\(root)/.lam/\(repository)/\(name)"
                let blob = "\(root)/\(repository)/blobs/\(name)"
                var status = stat()
                guard stat(path, &status) == 0 else { return nil }
                let lastUse = Double(status.st_mtim.tv_sec) + Double(status.st_mtim.tv_nsec) / 1e9
                return Entry(
                    path: path, blob: blob, bytes: stat(blob, &status) == 0 ? Int(status.st_size) : 0, lastUse: lastUse)
            }
        }
    }

    private func remove(_ entry: Entry) -> Bool {
        guard let lock = FileLock.attempt(entry.path, .exclusive, creates: false) else { return false }
        defer { withExtendedLifetime(lock) {} }
        let links = (try? String(contentsOfFile: entry.path, encoding: .utf8)) ?? ""
        for link in links.split(separator: "\n") {
            let path = "\(root)/\(link)"
            // Only what still leads to this blob: a link may have been replaced by another program.
            guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path),
                target.hasSuffix("/blobs/" + URL(fileURLWithPath: entry.blob).lastPathComponent)
            else { continue }
            unlink(path)
        }
        unlink(entry.blob)
        unlink(entry.path)
        return true
    }
}
