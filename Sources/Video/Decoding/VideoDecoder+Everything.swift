import CFFmpeg

extension VideoDecoder {
    /// Decodes a file from end to end with libavcodec alone.
    ///
    /// - Returns: frames.
    package static func decodeEverything(path: String) throws -> Int {
        let container = try VideoContainer(path: path)
        var codec: UnsafeMutablePointer<AVCodecContext>? = try openCodec(container)
        defer { avcodec_free_context(&codec) }
        let (packet, frame) = (VideoPacket(), VideoFrame())
        var count = 0
        func drain() {
            while avcodec_receive_frame(codec, frame.pointer) >= 0 { count += 1 }
        }
        while try container.read(into: packet.pointer) >= 0 {
            avcodec_send_packet(codec, packet.pointer)
            drain()
        }
        avcodec_send_packet(codec, nil)
        drain()
        return count
    }
}
