import Foundation

/// A file that appears under its name whole or not at all.
///
/// Bytes go to `<path>.tmp-<process id>` in the same folder. `commit()` makes them durable, renames the file over
/// `path` and makes the renaming durable; until then an older file of that name stays as it is. After an error,
/// `discard()` or the end of the object's life without `commit()`, the temporary file is gone.
public final class AtomicFile {
    public let path: String
    /// The bytes written so far.
    public private(set) var count = 0

    private let temporaryPath: String
    private var descriptor: Int32
    private var buffer: [UInt8] = []

    /// Gathers small writes into parts of this size; larger writes go through without copying.
    private static let bufferBytes = 1 << 16

    /// Creates the temporary file.
    /// - Throws: `FormatError.io`, for example if the folder does not exist.
    public init(path: String) throws(FormatError) {
        self.path = path
        temporaryPath = "\(path).tmp-\(getpid())"
        descriptor = open(temporaryPath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
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
        let closed = close(descriptor)
        descriptor = -1
        guard closed == 0, rename(temporaryPath, path) == 0 else {
            let error = FormatError.io(path: path, operation: closed == 0 ? "rename" : "close", code: errno)
            unlink(temporaryPath)
            throw error
        }
        try Self.syncFolder(of: path)
    }

    /// Removes the temporary file; does nothing after `commit()`.
    public func discard() {
        guard descriptor >= 0 else { return }
        close(descriptor)
        descriptor = -1
        unlink(temporaryPath)
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
