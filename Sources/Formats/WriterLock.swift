import Foundation

/// The right to write to a place, which one process at a time has: a file that is locked (`flock`) and names its owner.
///
/// The system lifts the lock when the process ends, however that happens; a file that is left is taken over by whoever comes
/// next. It is removed when the lock is given up. On disks that have no locks everybody gets one.
public final class WriterLock: Sendable {
    public let path: String
    private let descriptor: Int32

    /// Takes the lock.
    ///
    /// - Parameter seconds: how long to wait for another owner to end.
    /// - Throws: `FormatError.inUse`, which names the owner; `.io`.
    public init(path: String, waiting seconds: Double = 0) throws(FormatError) {
        let end = Date(timeIntervalSinceNow: seconds)
        while true {
            let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o666)
            guard descriptor >= 0 else { throw .io(path: path, operation: "create", code: errno) }
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 || (errno != EWOULDBLOCK && errno != EINTR) {
                // The last owner may have removed the file between its opening and its locking.
                guard Self.isNamed(descriptor, path) else {
                    close(descriptor)
                    continue
                }
                (self.path, self.descriptor) = (path, descriptor)
                sign()
                return
            }
            let owner = Self.owner(descriptor)
            close(descriptor)
            guard Date() < end else { throw .inUse(path: path, owner: owner) }
            Thread.sleep(forTimeInterval: 0.02)
        }
    }

    deinit { close(descriptor) }

    /// Gives the lock up and removes its file.
    ///
    /// - Throws: `FormatError.io` where the file cannot be removed; the lock is given up when this object goes.
    public func release() throws(FormatError) {
        // While it is held: what has this name afterwards is somebody else's.
        guard Self.isNamed(descriptor, path) else { return }
        guard unlink(path) == 0 || errno == ENOENT else { throw .io(path: path, operation: "remove", code: errno) }
    }

    private static func isNamed(_ descriptor: Int32, _ path: String) -> Bool {
        var (own, named) = (stat(), stat())
        return fstat(descriptor, &own) == 0 && lstat(path, &named) == 0 && own.st_ino == named.st_ino
            && own.st_dev == named.st_dev
    }

    /// Writes who has it. The lock holds without, too.
    private func sign() {
        let process = ProcessInfo.processInfo
        let text = "process \(process.processIdentifier) on \(process.hostName)\n"
        guard ftruncate(descriptor, 0) == 0 else { return }
        _ = text.withCString { pwrite(descriptor, $0, strlen($0), 0) }
    }

    private static func owner(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 200)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        let line = bytes.prefix(max(0, count)).prefix { $0 != UInt8(ascii: "\n") }
        return line.isEmpty ? "another process" : String(decoding: line, as: UTF8.self)
    }
}
