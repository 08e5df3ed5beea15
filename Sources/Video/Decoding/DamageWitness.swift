import CFFmpeg

/// Decodes AV1 a second time, with libaom. dav1d, which makes the pictures, is fast and shows damaged data as pictures
/// without a word (1.0 does, that Debian 12 has); libaom checks how the data of each tile end, and takes 2.4 times as long.
final class DamageWitness {
    private var codec: UnsafeMutablePointer<AVCodecContext>
    private let frame = VideoFrame()

    /// Nil for other codecs, whose decoders say what is damaged, and in a build of libavcodec without libaom.
    init?(_ container: VideoContainer) throws {
        guard container.parameters.pointee.codec_id == AV_CODEC_ID_AV1,
            let decoder = avcodec_find_decoder_by_name("libaom-av1")
        else { return nil }
        codec = try VideoDecoder.openCodec(container, with: decoder)
    }

    deinit {
        var freeing: UnsafeMutablePointer<AVCodecContext>? = codec
        avcodec_free_context(&freeing)
    }

    /// Begins anew at a keyframe.
    func forget() { avcodec_flush_buffers(codec) }

    /// What is wrong with the next packet, in decoding order, or with the end of the stream.
    func objection(to packet: UnsafeMutablePointer<AVPacket>?) -> String? {
        var code = avcodec_send_packet(codec, packet)
        while code >= 0 { code = avcodec_receive_frame(codec, frame.pointer) }
        return code == lam_averror_again || code == lam_averror_eof
            ? nil : "libaom finds it damaged: \(LibAV.message(code))"
    }
}
