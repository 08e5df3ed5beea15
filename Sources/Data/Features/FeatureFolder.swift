import Foundation

/// One key's folder of a feature cache, as seen from outside: how large, how old, whether in use.
struct FeatureFolder {
    let path: String

    private var files: [String] { [FeatureStore.fileName, FeatureStore.keyName].map { "\(path)/\($0)" } }

    var key: FeatureKey? { FeatureKey(contentsOf: "\(path)/\(FeatureStore.keyName)") }

    /// What it takes on the disk; holes take nothing.
    var bytes: Int {
        files.reduce(0) { sum, file in
            var status = stat()
            // POSIX counts blocks of 512 bytes, whatever the file system's are.
            return stat(file, &status) == 0 ? sum + Int(status.st_blocks) * 512 : sum
        }
    }

    /// Seconds since 1970 of the last write.
    var modified: Int {
        var status = stat()
        return stat("\(path)/\(FeatureStore.fileName)", &status) == 0 ? Int(status.st_mtim.tv_sec) : 0
    }

    /// Removes the folder unless a process uses it.
    private func removeIfUnused() -> Bool {
        let features = "\(path)/\(FeatureStore.fileName)"
        let descriptor = open(features, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, FeatureStore.isFile(descriptor, at: features) else {
            return false
        }
        // The features go last: who makes them anew writes the key after that, and keeps it. Emptied first, so that a
        // process killed half-way leaves nothing behind that takes room and is in no sum.
        guard ftruncate(descriptor, 0) == 0 else { return false }
        unlink("\(path)/\(FeatureStore.keyName)")
        unlink(features)
        rmdir(path)
        return true
    }

    /// Those of a cache: folders named as keys name them, with a key and a file of features. Anything else there belongs
    /// to somebody else.
    static func all(in root: String) -> [FeatureFolder] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return names.filter(FeatureKey.isFolderName).sorted().map { FeatureFolder(path: "\(root)/\($0)") }
            .filter { folder in
                folder.files.allSatisfy { FileManager.default.fileExists(atPath: $0) }
            }
    }

    static func bytes(below root: String) -> Int { all(in: root).reduce(0) { $0 + $1.bytes } }

    /// Removes unused folders, the oldest first, until `needed` more bytes fit within the limit.
    ///
    /// - Returns: a line for each one removed.
    static func removeUnused(
        in root: String, besides own: Set<String>, toFit needed: Int, within limit: Int
    ) -> [String] {
        var used = bytes(below: root)
        var notes: [String] = []
        for folder in all(in: root).sorted(by: { $0.modified < $1.modified }) where !own.contains(folder.path) {
            // `needed` may be anything up to `Int.max`.
            guard used > limit || needed > limit - used else { break }
            let bytes = folder.bytes
            guard folder.removeIfUnused() else { continue }
            used -= bytes
            notes.append("feature cache: removed \(folder.path) (\(bytes >> 20) MiB) to make room")
        }
        return notes
    }
}
