import DataCore
import Formats
import Foundation

/// The videos and numbered pictures of a folder, however deep they lie in it.
struct ClipFolder {
    enum Entry: Sendable {
        /// Path below the root.
        case video(String)
        /// Folder below the root, empty for the root itself, and the pictures in it in order.
        case pictures(folder: String, files: [String])

        /// Path below the root.
        var name: String {
            switch self {
            case .video(let name): name
            case .pictures(let folder, _): folder
            }
        }
    }

    static let endings: Set = ["mp4", "m4v", "mov", "mkv", "webm", "avi"]
    private static let deepest = 8

    let root: String
    private(set) var entries: [Entry] = []
    /// Folders of pictures that are no sequence, and why.
    private(set) var faults: [DataError] = []
    /// Folders that were looked at, without links: a link to one of them would give its videos twice, or without end.
    private var seen: Set<String> = []

    /// - Parameters:
    ///   - root: a folder, or a single video.
    ///   - dataset: for messages.
    /// - Throws: `DataError` for a folder in which another dataset lies.
    init(_ root: String, dataset: String) throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: root, isDirectory: &isFolder) else {
            throw DataError.missingFile(path: root, purpose: "a video or a folder of videos or numbered pictures")
        }
        guard isFolder.boolValue else {
            let url = URL(fileURLWithPath: root)
            self.root = url.deletingLastPathComponent().path
            entries = [.video(url.lastPathComponent)]
            return
        }
        self.root = root
        try look(below: "", dataset: dataset, depth: 0)
    }

    private mutating func look(below folder: String, dataset: String, depth: Int) throws {
        let path = folder.isEmpty ? root : "\(root)/\(folder)"
        guard seen.insert(URL(fileURLWithPath: path).resolvingSymlinksInPath().path).inserted else { return }
        let listing = try FolderListing(path)
        let visible = listing.names.filter { !$0.hasPrefix(".") }.sorted(by: NaturalOrder.precedes)
        faults += Self.foreignClips(listing).map { DataError.foreignName($0, in: path) }
        if Self.isOtherDataset(path, visible) { throw DataError.datasetAmongClips(dataset: dataset, found: path) }
        var pictures: [String] = []
        for name in visible {
            let ending = URL(fileURLWithPath: name).pathExtension.lowercased()
            let relative = folder.isEmpty ? name : "\(folder)/\(name)"
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: "\(root)/\(relative)", isDirectory: &isFolder) else {
                continue
            }
            if isFolder.boolValue {
                guard depth < Self.deepest else { continue }
                try look(below: relative, dataset: dataset, depth: depth + 1)
            } else if Self.endings.contains(ending) {
                entries.append(.video(relative))
            } else if PictureFile.endings.contains(ending) {
                pictures.append(name)
            }
        }
        // Beside videos they are covers and thumbnails.
        guard !visible.contains(where: Self.hasEnding) else { return }
        do {
            guard let files = try Self.sequence(pictures, in: path) else { return }
            entries.append(.pictures(folder: folder, files: files))
        } catch let error as DataError {
            faults.append(error)
        }
    }

    /// The pictures of a folder in the order of their numbers.
    ///
    /// - Returns: nil where pictures have no numbers: they are no film.
    /// - Throws: `DataError.unreadableClip` for several sequences in one folder, and for one with gaps.
    static func sequence(_ names: [String], in folder: String) throws -> [String]? {
        struct Numbered {
            let name: String
            let kind: String
            let number: Int
        }
        let numbered = names.compactMap { name -> Numbered? in
            let url = URL(fileURLWithPath: name)
            let stem = url.deletingPathExtension().lastPathComponent
            let digits = stem.reversed().prefix { $0.isASCII && $0.isNumber }
            guard let number = Int(String(digits.reversed())) else { return nil }
            return Numbered(
                name: name, kind: "\(stem.dropLast(digits.count))*.\(url.pathExtension.lowercased())", number: number)
        }
        guard let first = numbered.first, numbered.count > 1 else { return nil }
        func failure(_ expected: String, _ got: String) -> DataError {
            .unreadableClip(path: folder, reason: "numbered pictures: expected \(expected), got \(got)")
        }
        if let other = numbered.first(where: { $0.kind != first.kind }) {
            throw failure("one sequence in a folder", "\(first.kind) and \(other.kind)")
        }
        let sorted = numbered.sorted { $0.number < $1.number }
        // Every tenth frame may be all that was kept.
        let step = sorted[1].number - sorted[0].number
        for (file, next) in zip(sorted, sorted.dropFirst()) where next.number - file.number != step || step == 0 {
            throw failure("number \(file.number + max(step, 1)) after \(file.name)", next.name)
        }
        return sorted.map(\.name)
    }

    // MARK: Recognising

    /// Whether there is a video or a sequence of pictures at `path` or below it, and no dataset of another format.
    static func exists(at path: String) -> Bool {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return false }
        return isFolder.boolValue ? hasClip(below: path, depth: 0) : hasEnding(path)
    }

    private static func hasEnding(_ path: String) -> Bool {
        endings.contains(URL(fileURLWithPath: path).pathExtension.lowercased())
    }

    /// Videos, pictures and folders whose names are not UTF-8: what they are cannot be told without opening them.
    private static func foreignClips(_ listing: FolderListing) -> [FolderListing.Foreign] {
        listing.foreign.filter { entry in
            let ending = URL(fileURLWithPath: entry.name).pathExtension.lowercased()
            return !entry.name.hasPrefix(".")
                && (entry.isFolder || endings.contains(ending) || PictureFile.endings.contains(ending))
        }
    }

    /// Ends at the first one that is found: folders of videos are large.
    private static func hasClip(below folder: String, depth: Int) -> Bool {
        guard let listing = try? FolderListing(folder) else { return false }
        let visible = listing.names.filter { !$0.hasPrefix(".") }
        guard !isOtherDataset(folder, visible) || depth > 0 else { return false }
        // One that cannot be read is an error when the folder is opened, rather than no video.
        if visible.contains(where: hasEnding) || listing.foreign.contains(where: { hasEnding($0.name) }) { return true }
        let pictures = visible.filter {
            PictureFile.endings.contains(URL(fileURLWithPath: $0).pathExtension.lowercased())
        }
        // What is wrong with a sequence is said when it is opened.
        do {
            if try sequence(pictures, in: folder) != nil { return true }
        } catch {
            return true
        }
        return depth < deepest && visible.contains { hasClip(below: "\(folder)/\($0)", depth: depth + 1) }
    }

    /// A LeRobot dataset that lost its description is none of plain videos, nor are the videos of a whole one.
    private static func isOtherDataset(_ folder: String, _ names: [String]) -> Bool {
        func has(_ name: String, _ prefixes: String...) -> Bool {
            guard names.contains(name) else { return false }
            let inside = (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(name)")) ?? []
            return inside.contains { entry in prefixes.contains { entry.hasPrefix($0) } }
        }
        return has("meta", "info.json", "episodes", "tasks") || has("data", "chunk-")
            || has("videos", "chunk-", "observation.")
    }
}
