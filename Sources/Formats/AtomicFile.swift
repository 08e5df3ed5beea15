import Foundation

/// A file that appears under its name whole or not at all.
///
/// Bytes go to a file without a name in the same folder, so that nothing is left of it when the process is killed; on
/// file systems without such files, to `<path>.tmp-<UUID>`. `commit()` makes them durable, puts the file in the place
/// of `path` and makes that durable; until then an older file of that name stays as it is. After an error,
/// `discard()` or the end of the object's life without `commit()`, the temporary file is gone; what a killed process leaves is
/// removed by the next one that writes to the folder.
public final class AtomicFile {
    public let path: String
    /// The bytes written so far.
    public private(set) var count = 0

    private let temporaryPath: String
    private let isNamed: Bool
    private var descriptor: Int32
    private var buffer: [UInt8] = []

    /// Gathers small writes into parts of this size; larger writes go through without copying.
    private static let bufferBytes = 1 << 16

    /// Creates the temporary file.
    /// - Throws: `FormatError.io`, for example if the folder does not exist.
    public convenience init(path: String) throws(FormatError) {
        TemporaryName.removeLeftoversOnce(besides: path)
        let unnamed = Self.openUnnamed(beside: path)
        if unnamed >= 0 {
            self.init(path: path, unnamed: unnamed)
        } else {
            try self.init(path: path, temporaryPath: Self.temporaryPath(for: path))
        }
    }

    private init(path: String, unnamed descriptor: Int32) {
        self.path = path
        temporaryPath = Self.temporaryPath(for: path)
        isNamed = false
        self.descriptor = descriptor
    }

    /// Writes through a temporary file that the caller names.
    package init(path: String, temporaryPath: String) throws(FormatError) {
        self.path = path
        self.temporaryPath = temporaryPath
        isNamed = true
        descriptor = TemporaryName.create(temporaryPath)
        guard descriptor >= 0 else { throw .io(path: path, operation: "create", code: errno) }
    }

    deinit { discard() }

    /// Appends bytes.
    /// - Throws: `FormatError.io` if the disk is full or fails; the temporary file is removed.
    public func write(_ bytes: UnsafeRawBufferPointer) throws(FormatError) {
        precondition(descriptor >= 0, "write to \(path) after commit, discard or an error")
        count += bytes.count
        if buffer.count + bytes.count > Self.bufferBytes { try flush() }
        if bytes.count > Self.bufferBytes { try writeThrough(bytes) } else { buffer.append(contentsOf: bytes) }
    }

    /// Appends bytes.
    public func write(_ bytes: [UInt8]) throws(FormatError) {
        try bytes.withBytes { (bytes) throws(FormatError) in try write(bytes) }
    }

    /// Makes the file durable and puts it in its place.
    public func commit() throws(FormatError) {
        precondition(descriptor >= 0, "second commit of \(path)")
        try flush()
        guard fsync(descriptor) == 0 else { throw failure("flush") }
        // A name can be given only where there is none yet; renaming also replaces an older file.
        if !isNamed {
            TemporaryName.hold(descriptor)
            guard linkat(AT_FDCWD, Self.link(to: descriptor), AT_FDCWD, temporaryPath, AT_SYMLINK_FOLLOW) == 0 else {
                throw failure("link")
            }
        }
        // Closed afterwards, as the lock by which nobody takes the file for a leftover ends with it.
        guard rename(temporaryPath, path) == 0 else {
            let error = failure("rename")
            unlink(temporaryPath)
            throw error
        }
        let closed = close(descriptor)
        descriptor = -1
        guard closed == 0 else { throw .io(path: path, operation: "close", code: errno) }
        try Self.syncFolder(of: path)
    }

    /// Makes `path` a further name of the bytes of `original`, in the place of an older file of that name.
    ///
    /// - Throws: `FormatError.io`, also where the disk has no second names.
    public static func link(_ original: String, to path: String) throws(FormatError) {
        TemporaryName.removeLeftoversOnce(besides: path)
        let descriptor = open(original, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw .io(path: original, operation: "open", code: errno) }
        defer { close(descriptor) }
        TemporaryName.hold(descriptor)
        let temporary = temporaryPath(for: path)
        guard Foundation.link(original, temporary) == 0 else { throw .io(path: path, operation: "link", code: errno) }
        let renamed = rename(temporary, path)
        let code = errno
        // Between two names of the same bytes `rename` succeeds and does nothing.
        unlink(temporary)
        guard renamed == 0 else { throw .io(path: path, operation: "rename", code: code) }
        try syncFolder(of: path)
    }

    /// Removes the temporary file; does nothing after `commit()`.
    public func discard() {
        guard descriptor >= 0 else { return }
        close(descriptor)
        descriptor = -1
        if isNamed { unlink(temporaryPath) }
    }

    /// Writes a file of its own: commits if `body` returns, discards if it throws.
    public static func write<Failure: Error>(
        to path: String, _ body: (AtomicFile) throws(Failure) -> Void
    ) throws {
        let file = try AtomicFile(path: path)
        try body(file)
        try file.commit()
    }

    /// Writes `bytes` as the whole file.
    public static func write(_ bytes: [UInt8], to path: String) throws(FormatError) {
        let file = try AtomicFile(path: path)
        try file.write(bytes)
        try file.commit()
    }

    private func flush() throws(FormatError) {
        guard !buffer.isEmpty else { return }
        try buffer.withBytes { (bytes) throws(FormatError) in try writeThrough(bytes) }
        buffer.removeAll(keepingCapacity: true)
    }

    private func writeThrough(_ bytes: UnsafeRawBufferPointer) throws(FormatError) {
        var written = 0
        while written < bytes.count {
            // SAFETY: not empty here, and the remaining bytes lie within the buffer.
            let result = Foundation.write(descriptor, bytes.baseAddress! + written, bytes.count - written)
            if result < 0 {
                if errno == EINTR { continue }
                throw failure("write")
            }
            written += result
        }
    }

    /// The error of the call that has just failed, with the temporary file removed.
    private func failure(_ operation: String) -> FormatError {
        let error = FormatError.io(path: path, operation: operation, code: errno)
        discard()
        return error
    }

    /// A name beside `path` that nobody else takes.
    public static func temporaryPath(for path: String) -> String { TemporaryName.beside(path) }

    /// A file in the folder of `path` that ends with its last descriptor, or -1 where the system has no such files or
    /// cannot give them a name later.
    private static func openUnnamed(beside path: String) -> Int32 {
        #if os(Linux)
            // O_TMPFILE, a macro that Swift does not import.
            let flags = 0o20_000_000 | O_DIRECTORY | O_WRONLY | O_CLOEXEC
            let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
            let descriptor = open(folder, flags, 0o666)
            if descriptor >= 0, access(link(to: descriptor), F_OK) != 0 {
                close(descriptor)
                return -1
            }
            return descriptor
        #else
            return -1
        #endif
    }

    private static func link(to descriptor: Int32) -> String { "/proc/self/fd/\(descriptor)" }

    /// Makes a renaming of `path` durable.
    public static func syncFolder(of path: String) throws(FormatError) {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .io(path: folder, operation: "open", code: errno) }
        defer { close(descriptor) }
        // Some network file systems refuse to flush a folder; there the renaming is as durable as it can be.
        guard fsync(descriptor) == 0 || errno == EINVAL else {
            throw .io(path: folder, operation: "flush", code: errno)
        }
    }
}
