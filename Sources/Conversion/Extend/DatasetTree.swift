import DataCore
import Datasets
import Formats
import Foundation

/// The files of a dataset's folder, and how they get into a copy of it.
struct DatasetTree {
    let dataset: LeRobotDataset

    /// Deeper than any dataset; ends a walk through links that lead back.
    private static let maximumDepth = 16

    /// Paths of the dataset's files below its root, sorted: of a hub's dataset those of the hub. Hidden ones are left
    /// out (`.git`, `.cache`).
    ///
    /// - Throws: `DataError.unreadableFile` for a folder that cannot be listed.
    func names() throws -> [String] {
        var names: Set<String> = []
        if let listed = dataset.files?.names {
            names.formUnion(listed.filter { Self.isBelowRoot($0) })
        } else {
            try walk("", depth: 0, into: &names)
        }
        guard dataset.files != nil else { return names.sorted() }
        // Without the hub, what its cache has may be less than the dataset.
        for episode in dataset.episodes {
            names.insert(relative(try dataset.dataFile(of: episode)))
            for camera in dataset.videoCameras where dataset.video(of: episode, camera: camera) != nil {
                names.insert(relative(try dataset.videoFile(of: episode, camera: camera)))
            }
        }
        return names.sorted()
    }

    func relative(_ path: String) -> String { String(path.dropFirst(dataset.root.count + 1)) }

    private static func isBelowRoot(_ name: String) -> Bool {
        !name.split(separator: "/", omittingEmptySubsequences: false).contains { $0.isEmpty || $0.hasPrefix(".") }
    }

    private func walk(_ folder: String, depth: Int, into names: inout Set<String>) throws {
        let path = folder.isEmpty ? dataset.root : "\(dataset.root)/\(folder)"
        guard depth < Self.maximumDepth else {
            throw DataError.unreadableFile(path: path, reason: "expected at most \(depth) folders in each other")
        }
        let listing = try FolderListing(path)
        if let odd = listing.foreign.first(where: { !$0.name.hasPrefix(".") }) {
            throw DataError.foreignName(odd, in: path)
        }
        for name in listing.names where !name.hasPrefix(".") {
            let below = folder.isEmpty ? name : "\(folder)/\(name)"
            var status = stat()
            // Links count as what they lead to; what is neither file nor folder has no place in a dataset.
            guard stat("\(dataset.root)/\(below)", &status) == 0 else {
                throw DataError.unreadableFile(path: "\(dataset.root)/\(below)", reason: "a link that leads nowhere")
            }
            switch status.st_mode & S_IFMT {
            case S_IFDIR:
                try dataset.requireOwn("\(dataset.root)/\(below)")
                try walk(below, depth: depth + 1, into: &names)
            case S_IFREG:
                try dataset.requireOwn("\(dataset.root)/\(below)")
                names.insert(below)
            default: break
            }
        }
    }

    /// Puts a file into a copy under the same name: as another name of the same bytes where the disk has such, else
    /// as a copy. Never as a symbolic link, so the copy stands for itself.
    ///
    /// - Throws: `DataError`; `ConversionError.unwritable`; `FormatError.io`.
    func place(_ name: String, in folder: String) throws {
        let path = "\(dataset.root)/\(name)"
        let lease = try dataset.hold(path)
        defer { withExtendedLifetime(lease) {} }
        try dataset.requireOwn(path)
        try Folder.create(for: "\(folder)/\(name)")
        if linkat(AT_FDCWD, path, AT_FDCWD, "\(folder)/\(name)", AT_SYMLINK_FOLLOW) == 0 { return }
        let content: Data
        do {
            content = try Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped)
        } catch {
            throw DataError.unreadableFile(path: path, reason: error.localizedDescription)
        }
        try AtomicFile.write(to: "\(folder)/\(name)") { file in try content.withUnsafeBytes { try file.write($0) } }
    }
}
