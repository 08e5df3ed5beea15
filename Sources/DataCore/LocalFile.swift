import Foundation

/// A file on this disk, read by parts.
package final class LocalFile: ByteSource {
    package let count: Int
    private let path: String
    private let descriptor: Int32

    /// - Throws: `DataError.unreadableFile`.
    package init(_ path: String) throws {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        var status = stat()
        guard descriptor >= 0, fstat(descriptor, &status) == 0 else {
            let reason = String(cString: strerror(errno))
            if descriptor >= 0 { close(descriptor) }
            throw DataError.unreadableFile(path: path, reason: reason)
        }
        count = Int(status.st_size)
    }

    deinit { close(descriptor) }

    package func require(_ range: Range<Int>) {}
    package func requireWhole() {}

    package func read(_ buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws {
        var done = 0
        while done < buffer.count {
            let got = pread(
                descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done, off_t(offset + done))
            if got < 0, errno == EINTR { continue }
            guard got > 0 else {
                let reason = got < 0 ? String(cString: strerror(errno)) : "it became shorter while it was read"
                throw DataError.unreadableFile(path: path, reason: reason)
            }
            done += got
        }
    }
}
