import CFFmpeg
import DataCore

extension VideoDecoder {
    /// Decodes an AV1 file with libaom as well. dav1d, which decodes everything else here, is fast and shows damaged data as
    /// pictures without a word (1.0 does, that Debian 12 has); libaom checks how the data of each tile end. A build of
    /// libavcodec without libaom has no second opinion.
    ///
    /// - Throws: `DataError.undecodableFrame`, `.unreadableVideo`.
    package static func requireSecondOpinion(path: String) throws {
        let container = try VideoContainer(path: path, kinds: .all)
        guard container.parameters.pointee.codec_id == AV_CODEC_ID_AV1,
            let decoder = avcodec_find_decoder_by_name("libaom-av1")
        else { return }
        var codec: UnsafeMutablePointer<AVCodecContext>? = try openCodec(container, with: decoder)
        defer { avcodec_free_context(&codec) }
        let (packet, frame) = (VideoPacket(), VideoFrame())
        func require(_ code: Int32, _ time: Int64) throws {
            guard code < 0, code != lam_averror_again, code != lam_averror_eof else { return }
            let seconds = Double(time) * Double(container.timeBase.num) / Double(container.timeBase.den)
            throw DataError.undecodableFrame(
                path: path, codec: "av1", time: seconds, reason: "libaom finds it damaged: \(LibAV.message(code))")
        }
        func drain(_ time: Int64) throws {
            var code: Int32 = 0
            while code >= 0 { code = avcodec_receive_frame(codec, frame.pointer) }
            try require(code, time)
        }
        var last: Int64 = 0
        while try container.read(into: packet.pointer) >= 0 {
            let time = packet.pointer.pointee.pts
            if time != lam_av_nopts { last = time }
            try require(avcodec_send_packet(codec, packet.pointer), last)
            try drain(last)
        }
        avcodec_send_packet(codec, nil)
        try drain(last)
    }
}
