import CCompression
import CPNG

/// The libraries of compression and pictures that are loaded.
package enum FormatLibraries {
    /// Names and versions.
    package static var versions: [(String, String)] {
        let png = png_access_version_number()
        let brotli = BrotliDecoderVersion()
        return [
            ("zlib", String(cString: zlibVersion())), ("zstd", String(cString: ZSTD_versionString())),
            ("lz4", String(cString: LZ4_versionString())),
            ("brotli", "\(brotli >> 24).\(brotli >> 12 & 4095).\(brotli & 4095)"),
            ("libpng", "\(png / 10000).\(png / 100 % 100).\(png % 100)"),
        ]
    }
}
