import DataCore
import Datasets
import Foundation

/// LeRobot's own cache of the hub, which its versions since 0.5 fill: `hub` below `HF_LEROBOT_HOME`, laid out as the
/// hub's cache is. LeRobot asks for the tag of its format's version, so there is often no `refs/main`.
package struct LeRobotCache {
    /// Revisions that stand in for the one that nobody chose: what LeRobot would read, the newest format first.
    static let fallbacks = DatasetInfo.Version.allCases.reversed().map(\.rawValue)

    private let cache: HubCache

    package init(lerobotHome: String) { cache = HubCache(root: "\(lerobotHome)/hub") }

    /// The folder of a dataset's snapshot.
    ///
    /// - Parameter isChosen: whether the revision is one that was asked for, so that no other will do.
    /// - Returns: nil where the cache has none with a description.
    package func snapshot(of repository: HubRepository, isChosen: Bool) -> String? {
        guard let commit = try? cache.commit(of: repository, isChosen: isChosen) else { return nil }
        let folder = "\(cache.root)/\(repository.cacheFolder)/snapshots/\(commit)"
        return FileManager.default.fileExists(atPath: "\(folder)/meta/info.json") ? folder : nil
    }
}

extension HubCache {
    /// The commit of a dataset's revision, or, where nobody chose one, of the newest format's tag that is known.
    ///
    /// - Throws: what `commit(of:for:)` throws for the revision itself.
    func commit(of repository: HubRepository, isChosen: Bool) throws -> String {
        do {
            return try commit(of: repository)
        } catch {
            guard !isChosen else { throw error }
            for tag in LeRobotCache.fallbacks {
                let tagged = try HubRepository(id: repository.id, revision: tag, kind: repository.kind)
                if let commit = try? commit(of: tagged) { return commit }
            }
            throw error
        }
    }
}

extension LeRobotDataset {
    /// Whether all files of rows and videos are on this disk.
    package var isWhole: Bool {
        var seen: Set<String> = []
        return episodes.allSatisfy { episode in
            let videos = cameras.filter { $0.kind == .video }.map { try? videoFile(of: episode, camera: $0) }
            return ([try? dataFile(of: episode)] + videos).allSatisfy { path in
                guard let path else { return false }
                return !seen.insert(path).inserted || FileManager.default.fileExists(atPath: path)
            }
        }
    }
}
