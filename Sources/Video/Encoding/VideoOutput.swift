import CFFmpeg
import DataCore
import Formats
import Foundation

/// An mp4 under way: written beside its place, put there by `commit`, removed otherwise.
package final class VideoOutput {
    let path: String
    let context: UnsafeMutablePointer<AVFormatContext>
    private let temporary: String
    /// Holds the temporary file as one that is being written.
    private let descriptor: Int32
    private var isCommitted = false

    /// - Throws: `ConversionError.video`.
    init(path: String) throws {
        self.path = path
        TemporaryName.removeLeftoversOnce(besides: path)
        temporary = AtomicFile.temporaryPath(for: path)
        var context: UnsafeMutablePointer<AVFormatContext>?
        let code = avformat_alloc_output_context2(&context, nil, "mp4", temporary)
        guard code >= 0, let context else { throw ConversionError.video(path: path, reason: LibAV.message(code)) }
        self.context = context
        descriptor = TemporaryName.create(temporary)
        let opened =
            descriptor < 0 ? -errno : avio_open(&context.pointee.pb, temporary, AVIO_FLAG_WRITE)
        guard opened >= 0 else {
            avformat_free_context(context)
            if descriptor >= 0 {
                unlink(temporary)
                close(descriptor)
            }
            isCommitted = true
            throw ConversionError.video(path: path, reason: LibAV.message(opened))
        }
    }

    deinit {
        guard !isCommitted else { return }
        avio_closep(&context.pointee.pb)
        avformat_free_context(context)
        unlink(temporary)
        close(descriptor)
    }

    /// Adds the file's stream.
    func newStream() throws -> UnsafeMutablePointer<AVStream> {
        guard let stream = avformat_new_stream(context, nil) else {
            throw ConversionError.video(path: path, reason: "out of memory")
        }
        return stream
    }

    /// - Throws: `ConversionError.video` for a code that says that something failed.
    func check(_ code: Int32) throws {
        guard code >= 0 else { throw ConversionError.video(path: path, reason: LibAV.message(code)) }
    }

    /// Puts a copy of a file at a path, as it is.
    package static func copy(_ source: String, to path: String) throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: source), options: .alwaysMapped)
        try AtomicFile.write(to: path) { file in try data.withUnsafeBytes { try file.write($0) } }
    }

    /// Writes the trailer and makes the file durable under its name.
    func commit() throws {
        var code = av_write_trailer(context)
        let closed = avio_closep(&context.pointee.pb)
        if code >= 0 { code = closed }
        try check(code)
        guard fsync(descriptor) == 0, rename(temporary, path) == 0 else {
            throw ConversionError.video(path: path, reason: String(cString: strerror(errno)))
        }
        avformat_free_context(context)
        close(descriptor)
        isCommitted = true
        try AtomicFile.syncFolder(of: path)
    }
}
