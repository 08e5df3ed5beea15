import DataCore
import Datasets
import Synchronization

/// The files of a LeRobot dataset on a hub, fetched one by one as they are needed.
package final class HubDataset: DatasetFiles {
    private let store: HubStore
    private let snapshot: HubSnapshot
    private let prefetcher: HubPrefetcher

    /// Kept from planning to reading; the oldest first.
    private let partials = Mutex<[(name: String, file: HubPartialFile)]>([])
    /// More than the files of a window, of which few are read at a time.
    private static let partialFiles = 8

    /// Folder in which the files appear.
    package let root: String
    package var identity: String { "\(snapshot.repository.id)@\(snapshot.commit)" }

    package var names: [String]? { snapshot.files?.sorted() }

    /// Resolves the revision and fetches `meta`.
    ///
    /// A branch that has moved on to a format unknown here gives way to the newest tag of a known one, where the
    /// revision was not chosen by the user.
    ///
    /// - Throws: `DataError`; `FormatError.io`.
    package static func open(
        _ repository: HubRepository, store: HubStore, prefetcher: HubPrefetcher, isChosen: Bool
    ) throws -> HubDataset {
        let dataset = HubDataset(
            try store.snapshot(of: repository, isChosen: isChosen), store: store, prefetcher: prefetcher)
        do {
            try dataset.fetchMetadata()
            return dataset
        } catch let error as DataError {
            guard case .unsupportedVersion(_, let version, let supported) = error, !isChosen, !store.access.isOffline
            else { throw error }
            let tags = try store.client.tags(of: repository)
            guard let tag = supported.reversed().first(where: tags.contains) else {
                throw DataError.hub(
                    .noReadableRevision(repository: repository, found: version, tags: tags, supported: supported))
            }
            return try open(
                HubRepository(id: repository.id, revision: tag, kind: .dataset), store: store, prefetcher: prefetcher,
                isChosen: true)
        }
    }

    private init(_ snapshot: HubSnapshot, store: HubStore, prefetcher: HubPrefetcher) {
        (self.snapshot, self.store, self.prefetcher) = (snapshot, store, prefetcher)
        root = store.folder(of: snapshot)
    }

    package func hold(_ file: String) throws -> any Sendable { try store.hold(file, of: snapshot) }

    package func partial(_ file: String) throws -> (any ByteSource)? {
        guard !store.has(file, of: snapshot) else { return nil }
        if let known = partials.withLock({ $0.first { $0.name == file } }) { return known.file }
        guard let made = try store.partial(file, of: snapshot) else { return nil }
        return partials.withLock { partials in
            if let known = partials.first(where: { $0.name == file }) { return known.file }
            partials.removeAll { store.has($0.name, of: snapshot) }
            if partials.count == Self.partialFiles { partials.removeFirst() }
            partials.append((file, made))
            return made
        }
    }

    package func require(_ file: String) throws {
        guard let files = snapshot.files, !files.contains(file), !store.has(file, of: snapshot) else { return }
        throw DataError.hub(.noSuchFile(repository: snapshot.repository, commit: snapshot.commit, file: file))
    }

    package func expect(_ files: [String]) {
        prefetcher.expect(files.map { HubPrefetcher.Request(snapshot: snapshot, file: $0) }, for: identity)
    }

    /// `info.json` first, as it says whether the rest can be read.
    private func fetchMetadata() throws {
        let info = "meta/info.json"
        _ = try hold(info)
        _ = try DatasetInfo(path: "\(root)/\(info)")
        // Offline, what the cache has must do.
        for file in (snapshot.files ?? []).sorted() where Self.isNeededToOpen(file) { _ = try hold(file) }
    }

    /// Statistics are not read.
    private static func isNeededToOpen(_ file: String) -> Bool {
        ["meta/episodes.jsonl", "meta/tasks.jsonl", "meta/tasks.parquet"].contains(file)
            || file.hasPrefix("meta/episodes/") && file.hasSuffix(".parquet")
    }
}
