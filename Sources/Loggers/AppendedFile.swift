import Foundation

/// A file that grows: each append is at once in the file, so that a reader, or a crash, finds whole pieces.
final class AppendedFile {
    let path: String
    private var descriptor: Int32

    /// Opens the file for appending; makes it where there is none.
    /// - Throws: `LoggerError.io`.
    init(_ path: String) throws {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw LoggerError.io(path: path, operation: "open", code: errno) }
    }

    deinit { if descriptor >= 0 { _ = Foundation.close(descriptor) } }

    /// - Throws: `LoggerError.io`.
    func append(_ bytes: [UInt8]) throws {
        precondition(descriptor >= 0, "log to \(path) after close")
        var sent = 0
        while sent < bytes.count {
            // SAFETY: the pointer stays within the closure, and count is what is left of the bytes.
            let result = bytes[sent...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if result < 0 {
                if errno == EINTR { continue }
                throw LoggerError.io(path: path, operation: "write", code: errno)
            }
            sent += result
        }
    }

    /// Makes everything durable and ends the file; again does nothing.
    /// - Throws: `LoggerError.io`.
    func close() throws {
        guard descriptor >= 0 else { return }
        defer { descriptor = -1 }
        let isDurable = fsync(descriptor) == 0 || errno == EINVAL
        let code = errno
        guard Foundation.close(descriptor) == 0, isDurable else {
            throw LoggerError.io(path: path, operation: "close", code: isDurable ? errno : code)
        }
    }
}
