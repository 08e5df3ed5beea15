import DataCore
import Formats
import Foundation

/// Which files belong to a dataset: a link may lead to any file of this machine, which a copy would give away.
package enum OwnFiles {
    /// Whether a file lies in a dataset's folder, whatever links lead there, or in the `blobs` of the hub's cache, to which the
    /// links of a snapshot lead.
    package static func has(_ path: String, in root: String) -> Bool {
        guard !Folder.contains(root, path) else { return true }
        let snapshots = URL(fileURLWithPath: root).deletingLastPathComponent()
        let blobs = snapshots.deletingLastPathComponent().appendingPathComponent("blobs").path
        return snapshots.lastPathComponent == "snapshots" && Folder.contains(blobs, path)
    }
}

extension LeRobotDataset {
    /// Checks that a file that is copied belongs to the dataset.
    ///
    /// - Throws: `DataError.unreadableFile`.
    package func requireOwn(_ path: String) throws {
        guard !OwnFiles.has(path, in: root) else { return }
        throw DataError.unreadableFile(
            path: path,
            reason:
                "a link out of the dataset, to \(URL(fileURLWithPath: path).resolvingSymlinksInPath().path); copies are "
                + "made of the dataset's own files: put the file in the link's place")
    }
}
