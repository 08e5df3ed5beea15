import DataCore
import Formats
import Foundation

extension LeRobotDataset {
    /// Checks that a file that is copied belongs to the dataset: a link may lead to any file of this machine, which a copy would
    /// give away. Links of the hub's cache lead to its `blobs`.
    ///
    /// - Throws: `DataError.unreadableFile`.
    package func requireOwn(_ path: String) throws {
        guard !Folder.contains(root, path) else { return }
        let snapshots = URL(fileURLWithPath: root).deletingLastPathComponent()
        let blobs = snapshots.deletingLastPathComponent().appendingPathComponent("blobs").path
        guard snapshots.lastPathComponent == "snapshots", Folder.contains(blobs, path) else {
            throw DataError.unreadableFile(
                path: path,
                reason:
                    "a link out of the dataset, to \(URL(fileURLWithPath: path).resolvingSymlinksInPath().path); copies are "
                    + "made of the dataset's own files: put the file in the link's place")
        }
    }
}
