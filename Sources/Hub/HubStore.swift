import DataCore
import Formats
import Foundation
import Synchronization

/// Files of dataset repositories on this disk, fetched from the hub when they are asked for. Safe from any thread, and
/// for any number of processes over one cache.
package final class HubStore: Sendable {
    package let access: HubAccess
    let client: HubClient
    private let ledger: HubLedger
    private let counted = Mutex(Traffic())

    /// What was fetched so far.
    package struct Traffic: Sendable, Equatable {
        package var files = 0
        package var bytes = 0
    }

    /// - Parameter limitBytes: bound on what this program keeps in the cache.
    package init(_ access: HubAccess, limitBytes: Int?) {
        self.access = access
        client = HubClient(access)
        ledger = HubLedger(root: access.cache.root, limitBytes: limitBytes)
    }

    package var traffic: Traffic { counted.withLock { $0 } }

    /// The folder in which the files of a commit appear.
    package func folder(of snapshot: HubSnapshot) -> String {
        "\(access.cache.root)/\(snapshot.repository.cacheFolder)/snapshots/\(snapshot.commit)"
    }

    // MARK: Revisions

    /// The commit that a revision names: what the cache's reference says, else what the hub says.
    ///
    /// A reference that is there is not asked about again, so that all processes of a run, and its continuation, read
    /// the same commit. Offline, a revision that nobody chose gives way to the tag of a format that the cache knows.
    ///
    /// - Throws: `DataError`.
    package func snapshot(of repository: HubRepository, isChosen: Bool = true) throws -> HubSnapshot {
        if let commit = try? access.cache.commit(of: repository, isChosen: isChosen || !access.isOffline) {
            let pinned = try HubRepository(id: repository.id, revision: commit, kind: .dataset)
            if let files = listing(of: pinned, commit: commit) {
                return HubSnapshot(repository: repository, commit: commit, files: files)
            }
            let snapshot = HubSnapshot(repository: repository, commit: commit, files: nil)
            guard !access.isOffline else { return snapshot }
            do {
                let listed = try client.snapshot(of: pinned)
                try keepListing(listed)
                return HubSnapshot(repository: repository, commit: commit, files: listed.files)
            } catch DataError.hub(.unreachable) {
                // Another program has filled this cache; it may hold everything.
                return snapshot
            }
        }
        guard !access.isOffline else {
            throw DataError.hub(
                .offline(
                    repository: repository, file: "meta/info.json",
                    lookedFor: "\(access.cache.root)/\(repository.cacheFolder)/refs/\(repository.revision)"))
        }
        let snapshot = try client.snapshot(of: repository)
        try keepListing(snapshot)
        if !HubCache.isCommit(repository.revision) {
            let reference = "\(access.cache.root)/\(repository.cacheFolder)/refs/\(repository.revision)"
            try Self.makeFolder(of: reference)
            try AtomicFile.write(Array(snapshot.commit.utf8), to: reference)
        }
        return snapshot
    }

    private func listingPath(_ repository: HubRepository, _ commit: String) -> String {
        "\(ledger.folder(repository))/\(commit).list"
    }

    private func listing(of repository: HubRepository, commit: String) -> Set<String>? {
        guard let text = try? String(contentsOfFile: listingPath(repository, commit), encoding: .utf8) else {
            return nil
        }
        return Set(text.split(separator: "\n").map(String.init))
    }

    private func keepListing(_ snapshot: HubSnapshot) throws {
        let path = listingPath(snapshot.repository, snapshot.commit)
        try Self.makeFolder(of: path)
        let names = (snapshot.files ?? []).filter { !$0.contains("\n") }.sorted()
        try AtomicFile.write(Array(names.map { $0 + "\n" }.joined().utf8), to: path)
    }

    /// Counts bytes that came by ranges.
    func count(bytes: Int) { counted.withLock { $0.bytes += bytes } }

    // MARK: Files

    /// A file that is not on this disk and large enough to be read by ranges before it is; else nil.
    package func partial(_ file: String, of snapshot: HubSnapshot) throws -> HubPartialFile? {
        guard !access.isOffline, !has(file, of: snapshot) else { return nil }
        let facts = try client.retrying(client.address(of: file, in: snapshot), isCancelled: { false }) { _ in
            try client.facts(of: file, in: snapshot, isCancelled: { false })
        }
        guard let size = facts.size, size >= max(1, access.smallestPartialFile) else { return nil }
        return try HubPartialFile(file, of: snapshot, facts: facts, size: size, store: self)
    }

    /// Brings a file to this disk, if it is not there, and keeps it there while the result lives.
    ///
    /// - Parameter file: path within the repository.
    /// - Throws: `DataError`; `FormatError.io`.
    package func hold(
        _ file: String, of snapshot: HubSnapshot, isCancelled: @escaping () -> Bool = { false }
    ) throws -> HubLease {
        try HubRepository.requirePath(file, what: "file")
        while true {
            if let lease = present(file, of: snapshot) { return lease }
            try fetch(file, of: snapshot, isCancelled: isCancelled)
        }
    }

    /// Whether a file is on this disk.
    func has(_ file: String, of snapshot: HubSnapshot) -> Bool {
        FileManager.default.fileExists(atPath: "\(folder(of: snapshot))/\(file)")
    }

    private func present(_ file: String, of snapshot: HubSnapshot) -> HubLease? {
        let path = "\(folder(of: snapshot))/\(file)"
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path)
        let etag = target?.split(separator: "/").last.map(String.init)
        let lock = etag.flatMap { ledger.hold($0, of: snapshot.repository) }
        // Between the look and the lock another process may have removed it.
        return FileManager.default.fileExists(atPath: path) ? HubLease(path: path, lock: lock) : nil
    }

    private func fetch(_ file: String, of snapshot: HubSnapshot, isCancelled: @escaping () -> Bool) throws {
        let link = "\(folder(of: snapshot))/\(file)"
        guard !access.isOffline else {
            throw DataError.hub(.offline(repository: snapshot.repository, file: file, lookedFor: link))
        }
        let folder = "\(access.cache.root)/\(snapshot.repository.cacheFolder)"
        let isCancelled = client.cancellation(isCancelled)
        try client.retrying(client.address(of: file, in: snapshot), isCancelled: isCancelled) { hasProgressed in
            let facts = try client.facts(of: file, in: snapshot, isCancelled: isCancelled)
            let blob = "\(folder)/blobs/\(facts.etag)"
            let lock = try FileLock.wait(
                "\(access.cache.root)/.locks/\(snapshot.repository.cacheFolder)/\(facts.etag).lock", .exclusive,
                isCancelled: isCancelled)
            defer { withExtendedLifetime(lock) {} }
            let isNew = !FileManager.default.fileExists(atPath: blob)
            if isNew {
                try Self.makeFolder(of: blob)
                ledger.makeRoom(for: facts.size ?? 0)
                try HubDownload(client: client, facts: facts, blob: blob)
                    .attempt(isCancelled: isCancelled, hasProgressed: &hasProgressed)
                counted.withLock {
                    $0.files += 1; $0.bytes += facts.size ?? 0
                }
            }
            let name = "\(snapshot.repository.cacheFolder)/snapshots/\(snapshot.commit)/\(file)"
            ledger.note(facts.etag, of: snapshot.repository, link: name, isNew: isNew)
            try Self.link(link, to: facts.etag, depth: file.split(separator: "/").count)
        }
    }

    /// `snapshots/<commit>/a/b` → `../../../blobs/<etag>`, as a whole or not at all.
    private static func link(_ path: String, to etag: String, depth: Int) throws {
        try makeFolder(of: path)
        let target = String(repeating: "../", count: depth + 1) + "blobs/\(etag)"
        TemporaryName.removeLeftoversOnce(besides: path)
        let temporary = AtomicFile.temporaryPath(for: path)
        guard symlink(target, temporary) == 0, rename(temporary, path) == 0 else {
            let error = FormatError.io(path: path, operation: "link", code: errno)
            unlink(temporary)
            throw error
        }
    }

    private static func makeFolder(of path: String) throws {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw DataError.unreadableFile(path: folder, reason: "cannot be made: \(error.localizedDescription)")
        }
    }
}

/// A file of the cache that stays there while this lives.
package final class HubLease: Sendable {
    package let path: String
    private let lock: FileLock?

    init(path: String, lock: FileLock?) {
        (self.path, self.lock) = (path, lock)
    }
}
