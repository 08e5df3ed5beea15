import CFFmpeg

/// Owns one `AVPacket`.
package final class VideoPacket {
    package let pointer: UnsafeMutablePointer<AVPacket>

    package init() {
        guard let pointer = av_packet_alloc() else { preconditionFailure("out of memory for 100 bytes") }
        self.pointer = pointer
    }

    deinit {
        var freeing: UnsafeMutablePointer<AVPacket>? = pointer
        av_packet_free(&freeing)
    }
}

/// Owns one `AVFrame`: a decoded picture in the codec's own pixel format.
package final class VideoFrame {
    package let pointer: UnsafeMutablePointer<AVFrame>

    package init() {
        guard let pointer = av_frame_alloc() else { preconditionFailure("out of memory for 500 bytes") }
        self.pointer = pointer
    }

    deinit {
        var freeing: UnsafeMutablePointer<AVFrame>? = pointer
        av_frame_free(&freeing)
    }

    package var width: Int { Int(pointer.pointee.width) }
    package var height: Int { Int(pointer.pointee.height) }

    /// `96x128 yuv420p`.
    package var format: String { "\(width)x\(height) \(LibAV.name(ofPixelFormat: pointer.pointee.format))" }

    /// The visible samples of an 8-bit plane without padding, rows from the top. For 4:2:0 plane 0 is Y, 1 U, 2 V.
    package func plane(_ plane: Int) -> [UInt8] {
        let pixelFormat = AVPixelFormat(rawValue: pointer.pointee.format)
        guard let description = av_pix_fmt_desc_get(pixelFormat), let base = lam_frame_plane(pointer, Int32(plane))
        else {
            return []
        }
        let isChroma = plane == 1 || plane == 2
        let columns = isChroma ? -((-width) >> Int(description.pointee.log2_chroma_w)) : width
        let rows = isChroma ? -((-height) >> Int(description.pointee.log2_chroma_h)) : height
        let stride = Int(lam_frame_stride(pointer, Int32(plane)))
        var samples: [UInt8] = []
        samples.reserveCapacity(columns * rows)
        for row in 0..<rows {
            // SAFETY: a decoded plane holds `rows` rows of at least `columns` bytes, `stride` apart.
            samples.append(contentsOf: UnsafeBufferPointer(start: base + row * stride, count: columns))
        }
        return samples
    }
}
