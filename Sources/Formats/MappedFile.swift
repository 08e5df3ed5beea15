import Foundation

/// A regular file mapped read-only into memory.
///
/// Pages are read from disk only when touched. Where somebody shortens the file in place meanwhile, touching what is gone ends
/// the process with a line that names it (`MappedRanges`); every writer of this project replaces files by renaming, which
/// leaves a mapping of the old content intact.
public final class MappedFile: Sendable {
    public let path: String
    public let count: Int
    private let address: Int
    private let place: Int?

    /// Maps the file at `path`.
    /// - Throws: `FormatError.io` if it cannot be opened or is not a regular file.
    public init(path: String) throws(FormatError) {
        // Non-blocking, so that a pipe put in a file's place is refused below instead of waited for.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw FormatError.io(path: path, operation: "open", code: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw FormatError.io(path: path, operation: "stat", code: errno)
        }
        guard status.st_mode & S_IFMT != S_IFDIR else { throw FormatError.folder(path: path, FolderKind(path: path)) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw FormatError.notAFile(path: path) }
        self.path = path
        count = Int(status.st_size)
        guard count > 0 else {
            (address, place) = (0, nil)
            return
        }
        guard let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
            throw FormatError.io(path: path, operation: "map", code: errno)
        }
        address = Int(bitPattern: start)
        place = MappedRanges.add(start: Int(bitPattern: start), count: count, path: path)
    }

    /// The file's bytes, valid as long as this object lives.
    public var bytes: UnsafeRawBufferPointer {
        // SAFETY: `address` is the start of a mapping of `count` readable bytes that only `deinit` removes.
        UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: address), count: count)
    }

    deinit {
        if let place { MappedRanges.remove(place) }
        if address != 0 { munmap(UnsafeMutableRawPointer(bitPattern: address), count) }
    }
}
