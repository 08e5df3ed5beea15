import Foundation
import Synchronization

/// Files under names that end in `.tmp-<UUID>`: how they are made, and how those of dead processes are told and removed.
///
/// Who writes such a file holds an advisory lock (`flock`) on it until it has its final name. The system lifts the lock when the
/// process ends, however that happens, also on another host of a shared disk; so what nobody holds is a leftover.
public enum TemporaryName {
    private static let mark = ".tmp-"

    /// A name beside `path` that nobody else takes: not another thread, nor a process of the same number on another
    /// host that shares the folder.
    public static func beside(_ path: String) -> String {
        fitting(path, endingIn: "\(mark)\(UUID().uuidString)")
    }

    /// A path with a longer name, which stays one that file systems take: of a name too long for that, its beginning and a
    /// digest.
    package static func fitting(_ path: String, endingIn end: String) -> String {
        guard let slash = path.lastIndex(of: "/").map(path.index(after:)) ?? Optional(path.startIndex),
            path[slash...].utf8.count + end.utf8.count > Int(NAME_MAX)
        else { return path + end }
        let digest = "-" + SHA256.hexadecimal(of: Array(path[slash...].utf8)).prefix(16)
        var name = path[slash...]
        while name.utf8.count + digest.utf8.count + end.utf8.count > Int(NAME_MAX) { name.removeLast() }
        return path[..<slash] + name + digest + end
    }

    /// Whether a name is one of these, whatever it is for.
    public static func isTemporary(_ name: String) -> Bool {
        guard let place = name.range(of: mark, options: .backwards), place.lowerBound > name.startIndex else {
            return false
        }
        return UUID(uuidString: String(name[place.upperBound...])) != nil
    }

    /// Makes a file and holds it.
    ///
    /// - Returns: a descriptor to write to, or -1 with `errno`.
    public static func create(_ path: String) -> Int32 {
        while true {
            let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
            guard descriptor >= 0 else { return -1 }
            hold(descriptor)
            var status = stat()
            // Somebody who removes leftovers may have been quicker than the lock.
            if fstat(descriptor, &status) != 0 || status.st_nlink > 0 { return descriptor }
            close(descriptor)
        }
    }

    /// Says that this process is at work on a file. Disks without locks have no leftovers removed either.
    static func hold(_ descriptor: Int32) { while flock(descriptor, LOCK_EX) != 0, errno == EINTR {} }

    /// Removes what dead processes have left in a folder. What cannot be removed stays for the next run.
    public static func removeLeftovers(in folder: String) {
        for name in (try? Folder.names(in: folder)) ?? [] where isTemporary(name) {
            removeLeftover("\(folder)/\(name)")
        }
    }

    /// Symbolic links cannot be locked; such a link has its final name within milliseconds.
    private static let longestLinking = 600

    private static func removeLeftover(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        switch status.st_mode & S_IFMT {
        case S_IFLNK:
            if time(nil) - status.st_ctim.tv_sec > longestLinking { unlink(path) }
        case S_IFREG:
            let descriptor = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
            guard descriptor >= 0 else { return }
            defer { close(descriptor) }
            // Held while the name goes, so that nobody begins to write to a file without one.
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unlink(path) }
        default: break
        }
    }

    /// Folders that this process has looked through.
    private static let seen = Mutex<Set<String>>([])

    /// The same, once for each folder that this process writes to.
    package static func removeLeftoversOnce(besides path: String) {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        guard seen.withLock({ $0.insert(folder).inserted }) else { return }
        removeLeftovers(in: folder)
    }
}
