import CFFmpeg

/// The libraries of FFmpeg that are loaded.
package enum VideoLibraries {
    /// Names and versions.
    package static var versions: [(String, String)] {
        [
            ("libavcodec", avcodec_version()), ("libavformat", avformat_version()), ("libavutil", avutil_version()),
            ("libswscale", swscale_version()),
        ].map { ($0.0, "\($0.1 >> 16).\($0.1 >> 8 & 255).\($0.1 & 255)") }
    }
}
