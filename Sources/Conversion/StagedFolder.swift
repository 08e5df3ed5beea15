import DataCore
import Formats
import Foundation
import Synchronization

/// A folder that appears under its name whole or not at all, and what an interrupted run of the same command goes on from.
///
/// It grows as `DEST.partial/dataset`. Beside it in `DEST.partial` stands the state: facts that the result depends on, and
/// whatever notes the writer keeps. The order makes every interruption harmless:
///
/// 1. `DEST.partial` appears with the facts and an empty `dataset` in it;
/// 2. the finished `dataset` becomes `DEST`;
/// 3. the facts leave `DEST.partial`, which is removed, and go last of all.
///
/// `DEST.partial.lock` is held meanwhile, so whatever else is called `DEST.partial…` belongs to nobody who lives.
package final class StagedFolder: Sendable {
    package let destination: String
    /// Its name leaves room for the ends that others get.
    package let partial: String
    /// What becomes `DEST`.
    package var dataset: String { partial + "/dataset" }

    /// Name of the file of facts, which tells what kind of work it is.
    private let state: String
    private let lock = Mutex<WriterLock?>(nil)

    package init(_ destination: String, state: String) {
        var destination = destination
        while destination.count > 1, destination.hasSuffix("/") { destination.removeLast() }
        (self.destination, self.state) = (destination, state)
        let room = ".partial" + TemporaryName.beside("")
        let longest = TemporaryName.fitting(destination, endingIn: room)
        partial = longest.dropLast(room.utf8.count) + ".partial"
    }

    /// What is there already.
    package enum Beginning {
        /// An empty folder, or what an interrupted run has left.
        case open
        /// The very result, which an interrupted run had put in its place.
        case finished
    }

    /// Whether nothing is in the way, as far as can be told without taking the place.
    package var isFree: Bool {
        !FileManager.default.fileExists(atPath: destination) || FileManager.default.fileExists(atPath: partial)
            || !leftovers().isEmpty
    }

    /// Whether `DEST.partial` is of somebody else: neither of this kind of work nor of a kind that has just begun.
    package var isForeign: Bool {
        FileManager.default.fileExists(atPath: partial) && facts(at: "\(partial)/\(state)") == nil
            && leftovers().compactMap(facts(at:)).isEmpty
    }

    /// Takes the place and makes `DEST.partial` with the facts.
    ///
    /// - Parameter continues: whether an interrupted run of the same facts is gone on from. Otherwise its work is removed.
    /// - Throws: `ConversionError.exists`, `.otherConversion`; `FormatError.inUse`, `.io`.
    package func begin(_ facts: [String: String], continues: Bool) throws -> Beginning {
        try Folder.create(for: destination)
        let own = try WriterLock(path: partial + ".lock")
        lock.withLock { $0 = own }
        do {
            let beginning = try prepare(facts, continues: continues)
            if beginning == .finished { try release() }
            return beginning
        } catch {
            // What there is stays as it is, but for the lock.
            try? release()
            throw error
        }
    }

    /// Lets others write here, after an error; what there is stays.
    package func giveUp() { try? release() }

    deinit { giveUp() }

    private func release() throws {
        let own = lock.withLock { lock in
            defer { lock = nil }
            return lock
        }
        try own?.release()
    }

    private func prepare(_ own: [String: String], continues: Bool) throws -> Beginning {
        let manager = FileManager.default
        let left = leftovers()
        // Facts that went out of the folder: it is being removed, and the result is in its place.
        let ended = left.filter { facts(at: $0) != nil }
        if !ended.isEmpty { try remove(partial) }
        let known = facts(at: "\(partial)/\(state)")
        if manager.fileExists(atPath: destination) {
            let isOwn =
                ended.contains { facts(at: $0) == own } || (known == own && !manager.fileExists(atPath: dataset))
            guard isOwn else {
                for path in left { try Folder.remove(path) }
                throw ConversionError.exists(path: destination)
            }
            try removeState()
            for path in left { try Folder.remove(path) }
            return .finished
        }
        for path in left { try Folder.remove(path) }
        guard let known, continues else {
            if known != nil || isEmpty { try remove(partial) }
            guard !manager.fileExists(atPath: partial) else {
                throw ConversionError.otherConversion(path: partial, what: "that it tells nothing of itself")
            }
            let new = TemporaryName.beside(partial)
            // With the dataset's folder: where that is missing later, it has become `DEST`.
            try Folder.create("\(new)/dataset")
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            try AtomicFile.write(Array(encoder.encode(own)), to: "\(new)/\(state)")
            try Folder.rename(new, to: partial)
            return .open
        }
        if let key = Set(own.keys).union(known.keys).sorted().first(where: { own[$0] != known[$0] }) {
            throw ConversionError.otherConversion(path: partial, what: key)
        }
        try Folder.settle(partial)
        return .open
    }

    /// Whether nothing of anybody is in `DEST.partial`.
    private var isEmpty: Bool {
        let names = (try? manager.subpathsOfDirectory(atPath: partial)) ?? [partial]
        return names.allSatisfy { $0 == ".conversion" || TemporaryName.isTemporary($0) }
    }
    private var manager: FileManager { .default }

    /// Puts the dataset in its place and removes all else.
    ///
    /// - Throws: `FormatError.io`. The same command then goes on.
    package func end() throws {
        try Folder.settle(dataset)
        // `rename` of folders replaces an empty one only: what somebody put there meanwhile stays.
        try Folder.rename(dataset, to: destination)
        // Before the state, so that whatever fails here leaves something to go on from.
        try release()
        try removeState()
    }

    /// Removes a folder of this name at once, however long its removal takes.
    private func remove(_ path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else { return }
        let going = TemporaryName.beside(partial)
        try Folder.rename(path, to: going)
        try Folder.remove(going)
    }

    /// Removes `DEST.partial`, its facts last.
    private func removeState() throws {
        guard FileManager.default.fileExists(atPath: "\(partial)/\(state)") else { return }
        let last = TemporaryName.beside(partial)
        try Folder.rename("\(partial)/\(state)", to: last)
        try Folder.remove(partial)
        try Folder.remove(last)
    }

    /// What dead processes have left beside `DEST.partial`.
    private func leftovers() -> [String] {
        let folder = URL(fileURLWithPath: destination).deletingLastPathComponent().path
        let start = URL(fileURLWithPath: partial).lastPathComponent + ".tmp-"
        return ((try? Folder.names(in: folder)) ?? []).filter { $0.hasPrefix(start) && TemporaryName.isTemporary($0) }
            .sorted().map { "\(folder)/\($0)" }
    }

    /// Facts in a file; empty ones where it does not hold any, nil where there is no such file.
    private func facts(at path: String) -> [String: String]? {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue else {
            return nil
        }
        guard let data = try? Data(contentsOf: URL(fileURLWithPath: path)) else { return [:] }
        return (try? JSONDecoder().decode([String: String].self, from: data)) ?? [:]
    }
}
