import CFFmpeg
import DataCore

/// What libavformat reads a `ByteSource` through. Failures pass through C as a code and wait here.
final class VideoInput {
    let context: UnsafeMutablePointer<AVIOContext>
    private(set) var failure: (any Error)?
    private let source: any ByteSource
    /// Missing bytes are fetched; else they read as zeros.
    private let fetches: Bool
    private var offset = 0

    private static let bufferBytes = 1 << 15

    init(_ source: any ByteSource, fetches: Bool) {
        (self.source, self.fetches) = (source, fetches)
        let buffer = av_malloc(Self.bufferBytes)?.assumingMemoryBound(to: UInt8.self)
        let context = avio_alloc_context(buffer, Int32(Self.bufferBytes), 0, nil, Self.read, nil, Self.seek)
        guard let context else { preconditionFailure("out of memory for \(Self.bufferBytes) bytes") }
        self.context = context
        // SAFETY: libavformat calls back only while a VideoContainer reads, which holds this object.
        context.pointee.opaque = Unmanaged.passUnretained(self).toOpaque()
    }

    deinit {
        // The library may have put another buffer in place of the first.
        av_free(context.pointee.buffer)
        var freeing: UnsafeMutablePointer<AVIOContext>? = context
        avio_context_free(&freeing)
    }

    private static func of(_ opaque: UnsafeMutableRawPointer?) -> VideoInput {
        guard let opaque else { preconditionFailure("a callback of libavformat without its context") }
        // SAFETY: `init` sets it to a live VideoInput.
        return Unmanaged<VideoInput>.fromOpaque(opaque).takeUnretainedValue()
    }

    private static let read: @convention(c) (UnsafeMutableRawPointer?, UnsafeMutablePointer<UInt8>?, Int32) -> Int32 = {
        opaque, bytes, size in
        let input = VideoInput.of(opaque)
        let length = min(Int(size), input.source.count - input.offset)
        guard length > 0, let bytes else { return lam_averror_eof }
        do {
            let range = input.offset..<input.offset + length
            if input.fetches { try input.source.require(range) }
            try input.source.read(UnsafeMutableRawBufferPointer(start: bytes, count: length), at: range.lowerBound)
            input.offset = range.upperBound
            return Int32(length)
        } catch {
            input.failure = error
            return lam_averror_io
        }
    }

    private static let seek: @convention(c) (UnsafeMutableRawPointer?, Int64, Int32) -> Int64 = {
        opaque, offset, whence in
        let input = VideoInput.of(opaque)
        let count = Int64(input.source.count)
        if whence & AVSEEK_SIZE != 0 { return count }
        let base =
            switch whence & ~AVSEEK_FORCE {
            case SEEK_SET: Int64(0)
            case SEEK_CUR: Int64(input.offset)
            default: count
            }
        let (target, overflow) = base.addingReportingOverflow(offset)
        guard !overflow, (0...count).contains(target) else { return Int64(lam_averror_io) }
        input.offset = Int(target)
        return target
    }
}
