import DataCore
import Foundation

/// An advisory lock on a file, held while the value lives; the system lifts it when the process ends. `flock`, as
/// `huggingface_hub` uses it, so that both see each other's locks.
final class FileLock: Sendable {
    private let descriptor: Int32

    enum Kind {
        case shared, exclusive
    }

    private init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Takes a lock if nobody stands in the way. The file is made where there is none.
    static func attempt(_ path: String, _ kind: Kind, creates: Bool = true) -> FileLock? {
        let descriptor = open(path, O_RDWR | O_CLOEXEC | (creates ? O_CREAT : 0), 0o666)
        guard descriptor >= 0 else { return nil }
        let lock = FileLock(descriptor: descriptor)
        return flock(descriptor, (kind == .shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0 ? lock : nil
    }

    /// Waits for a lock.
    ///
    /// - Throws: `DataError.unreadableFile` where the file cannot be made; `.hub(.cancelled)`.
    static func wait(_ path: String, _ kind: Kind, isCancelled: () -> Bool) throws -> FileLock {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        while true {
            if let lock = attempt(path, kind) { return lock }
            guard access(path, R_OK | W_OK) == 0 else {
                throw DataError.unreadableFile(path: path, reason: "a lock file cannot be made here")
            }
            guard !isCancelled() else { throw DataError.hub(.cancelled) }
            // Others hold a lock for seconds, while they download.
            Thread.sleep(forTimeInterval: 0.02)
        }
    }
}
