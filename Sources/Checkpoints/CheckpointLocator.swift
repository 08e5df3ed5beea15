import Foundation

/// Finds what `--ckpt_path last`, `best` or a path means.
package enum CheckpointLocator {
    /// The checkpoint to go on from. Under `last`, a damaged file gives way to the next newest, with a note.
    ///
    /// - Parameters:
    ///   - directories: where the configured callbacks keep their files.
    /// - Throws: `CheckpointError.notFound`; another one when the only candidate cannot be read.
    package static func open(
        _ request: String, directories: [String], note: (String) -> Void
    ) throws -> LightningCheckpoint {
        switch request {
        case "last":
            return try newest(in: directories, request: request, note: note)
        case "best":
            let last = try newest(in: directories, request: request, note: note)
            guard let best = try last.modelCheckpoints().first(where: { !$0.bestModelPath.isEmpty }) else {
                throw CheckpointError.notFound(requested: request, searched: directories)
            }
            return try LightningCheckpoint(contentsOf: best.bestModelPath)
        default:
            try requireFile(request)
            return try LightningCheckpoint(contentsOf: request)
        }
    }

    /// - Throws: `CheckpointError.notFound` where a path leads to no file.
    package static func requireFile(_ path: String) throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue else {
            throw CheckpointError.notFound(requested: path, searched: [])
        }
    }

    private static func newest(
        in directories: [String], request: String, note: (String) -> Void
    ) throws -> LightningCheckpoint {
        // The folder that was written last first; in it `last` files first, then the newest of the others, which also
        // holds for copies that lost their times.
        let folders = directories.map { files(in: $0) }.filter { !$0.isEmpty }
        let newestFirst = folders.sorted {
            ($0.map(\.modified).max() ?? .distantPast) > ($1.map(\.modified).max() ?? .distantPast)
        }
        let ordered = newestFirst.flatMap { folder in
            folder.sorted { ($0.isLast ? 1 : 0, $0.modified) > ($1.isLast ? 1 : 0, $1.modified) }
        }
        var failure: (any Error)?
        for candidate in ordered {
            do {
                let checkpoint = try LightningCheckpoint(contentsOf: candidate.path)
                if failure != nil { note("going on from \(candidate.path) instead") }
                return checkpoint
            } catch {
                note("\(error)")
                failure = failure ?? error
            }
        }
        throw failure ?? CheckpointError.notFound(requested: request, searched: directories)
    }

    private static func files(in directory: String) -> [(path: String, isLast: Bool, modified: Date)] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.filter { $0.hasSuffix(".ckpt") }.map { name in
            let path = "\(directory)/\(name)"
            let attributes = try? FileManager.default.attributesOfItem(atPath: path)
            return (path, name.hasPrefix("last"), attributes?[.modificationDate] as? Date ?? .distantPast)
        }
    }
}
