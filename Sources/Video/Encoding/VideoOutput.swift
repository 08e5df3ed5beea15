import CFFmpeg
import DataCore
import Formats
import Foundation

/// An mp4 under way: written beside its place, put there by `commit`, removed otherwise.
package final class VideoOutput {
    let path: String
    let context: UnsafeMutablePointer<AVFormatContext>
    private let temporary: String
    private var isCommitted = false

    /// - Throws: `ConversionError.video`.
    init(path: String) throws {
        self.path = path
        temporary = AtomicFile.temporaryPath(for: path)
        var context: UnsafeMutablePointer<AVFormatContext>?
        let code = avformat_alloc_output_context2(&context, nil, "mp4", temporary)
        guard code >= 0, let context else { throw ConversionError.video(path: path, reason: LibAV.message(code)) }
        self.context = context
        let opened = avio_open(&context.pointee.pb, temporary, AVIO_FLAG_WRITE)
        guard opened >= 0 else {
            avformat_free_context(context)
            isCommitted = true
            throw ConversionError.video(path: path, reason: LibAV.message(opened))
        }
    }

    deinit {
        guard !isCommitted else { return }
        avio_closep(&context.pointee.pb)
        avformat_free_context(context)
        unlink(temporary)
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
        let descriptor = open(temporary, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0, fsync(descriptor) == 0, close(descriptor) == 0, rename(temporary, path) == 0 else {
            throw ConversionError.video(path: path, reason: String(cString: strerror(errno)))
        }
        avformat_free_context(context)
        isCommitted = true
        try AtomicFile.syncFolder(of: path)
    }
}
