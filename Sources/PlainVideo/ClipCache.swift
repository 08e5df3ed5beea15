import DataCore
import Formats
import Foundation
import Video

/// What earlier openings have found out about the videos of a folder, so that the packets of a million frames are not read
/// anew each time. One file for each folder, which may be removed at any time.
///
/// A video is known by its path, its size and when it and its entry on the disk were changed, to the nanosecond. One that was
/// changed a moment ago is looked at again, as clocks of file systems are coarse.
struct ClipCache {
    private struct Table: Codable {
        /// Of what is kept, and of the library that found it out.
        let version: String
        let dataset: String
        let clips: [String: Entry]
    }

    private struct Entry: Codable {
        let state: FileState
        let clip: VideoFacts
    }

    private struct FileState: Codable, Equatable {
        let size: Int
        /// The content, and all that is known of the file: the second is nobody's to set. Nanoseconds since 1970.
        let changed: Int
        let touched: Int

        init?(_ path: String) {
            func nanoseconds(_ time: timespec) -> Int? {
                let (seconds, isLarge) = Int(time.tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
                return isLarge ? nil : seconds &+ Int(time.tv_nsec)
            }
            var status = stat()
            guard stat(path, &status) == 0, let changed = nanoseconds(status.st_mtim),
                let touched = nanoseconds(status.st_ctim)
            else { return nil }
            (size, self.changed, self.touched) = (Int(status.st_size), changed, touched)
        }
    }

    private let folder: String
    private let path: String
    private let dataset: String
    private let root: String
    private let known: [String: Entry]

    private static let version = "1 \(VideoIndex.libraryVersion)"
    /// Bytes of one table, which is some 300,000 videos, and of all of them.
    private static let (largest, limit) = (64 << 20, 256 << 20)
    private static let settled = 2_000_000_000

    /// - Parameters:
    ///   - folder: where tables are kept; nil: nothing is.
    ///   - dataset: what is opened: a folder of videos or a single one, which is known by its place.
    ///   - root: below which the names of the videos lie.
    init?(folder: String?, dataset: String, root: String) {
        guard let folder else { return nil }
        (self.folder, self.root) = (folder, root)
        self.dataset = URL(fileURLWithPath: dataset).standardizedFileURL.resolvingSymlinksInPath().path
        path = "\(folder)/\(Array(self.dataset.utf8).withUnsafeBytes(XXHash64.hexadecimal)).json"
        let size = (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int ?? 0
        guard size <= Self.largest, let data = FileManager.default.contents(atPath: path),
            let table = try? JSONDecoder().decode(Table.self, from: data), table.version == Self.version,
            table.dataset == self.dataset
        else {
            known = [:]
            return
        }
        known = table.clips
    }

    /// What a video has; nil where it is not known, or has changed.
    ///
    /// - Parameter name: below the root.
    func facts(_ name: String) -> VideoFacts? {
        guard let entry = known[name], entry.clip.isPossible, FileState("\(root)/\(name)") == entry.state
        else { return nil }
        return entry.clip
    }

    /// Keeps what was found out, where anything is new. A disk that takes no cache is no fault.
    func keep(_ clips: [Clip]) {
        let now = Int(Date().timeIntervalSince1970 * 1e9)
        var table: [String: Entry] = [:]
        for clip in clips {
            guard case .video(let facts) = clip.content, let state = FileState(clip.path),
                abs(now - state.changed) > Self.settled
            else { continue }
            table[clip.name] = Entry(state: state, clip: facts)
        }
        let isNew = table.contains { name, entry in
            known[name]?.state != entry.state
        }
        guard isNew || table.count != known.count else { return }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(Table(version: Self.version, dataset: dataset, clips: table)),
            data.count <= Self.largest
        else { return }
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try? AtomicFile.write(Array(data), to: path)
        prune()
    }

    /// Removes the tables that were written the longest ago, where there are more bytes than the limit.
    private func prune() {
        let keys: Set<URLResourceKey> = [.fileSizeKey, .contentModificationDateKey]
        let all = try? FileManager.default.contentsOfDirectory(
            at: URL(fileURLWithPath: folder), includingPropertiesForKeys: Array(keys))
        let files = (all ?? []).filter { $0.pathExtension == "json" }.compactMap { url in
            (try? url.resourceValues(forKeys: keys)).map {
                (url: url, size: $0.fileSize ?? 0, written: $0.contentModificationDate ?? .distantPast)
            }
        }
        var total = files.reduce(0) { $0 + $1.size }
        for file in files.sorted(by: { $0.written < $1.written }) where total > Self.limit {
            try? FileManager.default.removeItem(at: file.url)
            total -= file.size
        }
    }
}
