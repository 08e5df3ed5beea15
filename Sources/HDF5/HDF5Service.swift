import DataCore
import Foundation

/// libhdf5 for whoever reads datasets: in another process where `HDF5Isolation` has one, else in this one.
///
/// The library trusts what files say of themselves: damaged ones make it write where it should not.
enum HDF5Service {
    /// What one file of a dataset holds.
    static func contents(of path: String, number: Int, filter: String?) throws -> HDF5Contents {
        guard let process = HDF5Isolation.process else {
            return try HDF5Contents(path: path, file: number, filter: filter)
        }
        let answer = try process.ask(.contents(path: path, number: number, filter: filter))
        guard case .contents(let contents) = answer.value else {
            throw HDF5Process.silence(path, "file")
        }
        return contents
    }

    /// Answers requests in the process that is there for it.
    struct Server {
        private struct Entry {
            let file: OpenHDF5
            let identity: [Int]
        }

        private var files: [String: Entry] = [:]
        private static let openFiles = 16

        mutating func answer(_ request: HDF5Request) -> HDF5Answer {
            do {
                switch request {
                case .contents(let path, let number, let filter):
                    return HDF5Answer(.contents(try HDF5Contents(path: path, file: number, filter: filter)))
                case .array(let path, let object):
                    return HDF5Answer(.array(try open(path).array(object).description))
                case .chunks(let path, let object, let offsets):
                    return HDF5Answer(chunks: try open(path).array(object).storage.chunks(at: offsets))
                case .rows(let path, let object, let first, let count):
                    return HDF5Answer(rows: try open(path).array(object).rows(first..<first + count))
                }
            } catch {
                return HDF5Answer(.fault(HDF5Fault(error)))
            }
        }

        /// A file that was opened before, unless it is another one by now.
        private mutating func open(_ path: String) throws -> OpenHDF5 {
            var status = stat()
            let identity =
                stat(path, &status) == 0
                ? [Int(status.st_ino), Int(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec]
                : []
            if let known = files[path], known.identity == identity { return known.file }
            if files.count >= Self.openFiles { files.removeAll() }
            let file = try OpenHDF5(path: path)
            files[path] = Entry(file: file, identity: identity)
            return file
        }
    }
}

/// An open file of a dataset, whose arrays are read. For one thread at a time.
final class HDF5Reader: PooledReader {
    let descriptor: FileHandle
    private let path: String
    private let process: HDF5Process?
    /// Where libhdf5 runs in this process.
    private let opened: OpenHDF5?
    private var arrays: [String: HDF5Array] = [:]

    /// The library's caches, about.
    var bytes: Int { 4 << 20 }

    init(path: String) throws {
        self.path = path
        process = HDF5Isolation.process
        opened = process == nil ? try OpenHDF5(path: path) : nil
        try MetadataFile.requireContent(path: path, purpose: "an HDF5 file")
        guard let descriptor = opened?.descriptor ?? FileHandle(forReadingAtPath: path) else {
            throw DataError.unreadableFile(path: path, reason: "cannot be opened")
        }
        self.descriptor = descriptor
    }

    func array(_ object: String) throws -> HDF5Array {
        if let opened { return try opened.array(object) }
        if let known = arrays[object] { return known }
        guard let process else { preconditionFailure("\(path) is open nowhere") }
        guard case .array(let description) = try process.ask(.array(path: path, object: object)).value
        else {
            throw HDF5Process.silence(path, object)
        }
        let array = HDF5Array(
            description, object: object, path: path, file: descriptor,
            storage: ServedHDF5Array(
                process: process, path: path, object: object, rowBytes: description.rowBytes))
        arrays[object] = array
        return array
    }
}

extension HDF5Array.Description {
    /// Bytes of a row in memory.
    fileprivate var rowBytes: Int { shape.dropFirst().reduce(type.memorySize, *) }
}

/// An array that another process has open.
private struct ServedHDF5Array: HDF5Storage {
    let process: HDF5Process
    let path: String
    let object: String
    let rowBytes: Int

    func chunks(at offsets: [[Int]]) throws -> [HDF5Chunk] {
        let answer = try process.ask(
            .chunks(path: path, object: object, offsets: offsets),
            expecting: offsets.count * HDF5Array.largestStoredChunk)
        guard answer.chunks.count == offsets.count else { throw HDF5Process.silence(path, object) }
        return answer.chunks
    }

    func rows(_ range: Range<Int>) throws -> [UInt8] {
        try process.ask(
            .rows(path: path, object: object, first: range.lowerBound, count: range.count),
            expecting: range.count * rowBytes
        ).rows
    }
}
