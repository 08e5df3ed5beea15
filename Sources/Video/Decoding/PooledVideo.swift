import DataCore

/// A video with its decoder, and what keeps the file where it is.
package final class PooledVideo: PooledReader {
    package let decoder: VideoDecoder
    package let bytes: Int
    private let lease: (any Sendable)?

    package init(_ decoder: VideoDecoder, lease: (any Sendable)? = nil) {
        self.decoder = decoder
        self.lease = lease
        // A decoder, of which there may be two, keeps up to 16 pictures of 1.5 bytes a pixel, and tables beside them.
        bytes = decoder.index.width * decoder.index.height * 24 + (2 << 20)
    }
}
