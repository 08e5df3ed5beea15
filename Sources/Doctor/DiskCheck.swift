import Formats
import Foundation

/// Whether runs can write where they are to: a whole file, its rename, a lock, and room.
enum DiskCheck {
    private static let comfortableGiB = 2.0
    private static let leastGiB = 0.05

    static func findings(logFolder: String) -> [Finding] {
        let what = "log folder"
        var folder = URL(fileURLWithPath: logFolder).standardizedFileURL
        while !FileManager.default.fileExists(atPath: folder.path), folder.path != "/" {
            folder.deleteLastPathComponent()
        }
        let place = "\(logFolder) (on \(folder.path))"
        let trial = "\(folder.path)/.lam-doctor-\(getpid())"
        defer { unlink(trial) }
        do { try AtomicFile.write([UInt8](repeating: 0, count: 4096), to: trial) } catch {
            return [.broken(what, "\(place): \(error)", remedy: "name another folder in the configuration's save_dir")]
        }
        var volume = statvfs()
        guard statvfs(folder.path, &volume) == 0 else { return [.ok(what, "\(place): files can be written")] }
        let free = Double(volume.f_bavail) * Double(volume.f_frsize) / Double(1 << 30)
        let room = String(format: "%.1f GiB free", free)
        if free < leastGiB {
            return [.broken(what, "\(place): \(room)", remedy: "make room: a checkpoint must be written whole")]
        }
        guard canLock(trial) else {
            let found = "\(place): files can be written, \(room), but flock fails"
            return [.warning(what, found, remedy: "keep the hub's cache (HF_HOME) on a disk with locks")]
        }
        guard free >= comfortableGiB else {
            let remedy = "make room, or keep fewer checkpoints (save_top_k); lam estimate says their size"
            return [.warning(what, "\(place): \(room)", remedy: remedy)]
        }
        return [.ok(what, "\(place): files can be written and locked, \(room)")]
    }

    private static func canLock(_ path: String) -> Bool {
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_EX | LOCK_NB) == 0
    }
}
