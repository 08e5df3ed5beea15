import CFFmpeg

/// What all uses of FFmpeg's libraries share.
enum LibAV {
    /// Pictures of more pixels than 8192 x 8192 are refused: a header of a few bytes may claim any size.
    static let maximumPixels: Int64 = 1 << 26

    /// Silences the libraries' own printing (every failure reaches the caller as an error) and bounds a single
    /// allocation, which a hostile index could otherwise drive to the limit of the machine. Runs once per process.
    static let configured: Void = {
        av_log_set_level(AV_LOG_QUIET)
        av_max_alloc(1 << 30)
    }()

    /// FFmpeg's sentence for an error code.
    static func message(_ code: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 128)
        guard av_strerror(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func name(of codec: AVCodecID) -> String { String(cString: avcodec_get_name(codec)) }

    static func name(ofPixelFormat format: Int32) -> String {
        av_get_pix_fmt_name(AVPixelFormat(rawValue: format)).map { String(cString: $0) } ?? "pixel format \(format)"
    }
}
