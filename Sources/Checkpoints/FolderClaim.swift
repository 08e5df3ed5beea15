import Foundation
import Synchronization

/// That a run has a folder of checkpoints to itself: an advisory lock (`flock`) on the folder, which leaves no file behind and
/// ends with the process. Callbacks of one run share it. Disks without such locks let everybody in.
final class FolderClaim: Sendable {
    private let descriptor: Int32

    private struct Known {
        weak var claim: FolderClaim?
    }

    private static let known = Mutex<[String: Known]>([:])

    private init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// - Parameter folder: one that exists.
    /// - Returns: nil where another run has it.
    static func take(_ folder: String) -> FolderClaim? {
        let path = URL(fileURLWithPath: folder).resolvingSymlinksInPath().path
        return known.withLock { known in
            if let claim = known[path]?.claim { return claim }
            let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            if descriptor >= 0, flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
                close(descriptor)
                return nil
            }
            let claim = FolderClaim(descriptor: descriptor)
            known[path] = Known(claim: claim)
            return claim
        }
    }
}
