import CFFmpeg
import DataCore

/// An encoder with the mp4 that it fills, which appears whole or not at all. Not for use by two threads at once.
final class VideoEncoder {
    private let output: VideoOutput
    private let context: UnsafeMutablePointer<AVCodecContext>
    private let stream: UnsafeMutablePointer<AVStream>
    private let packet = VideoPacket()

    /// - Parameters:
    ///   - format: of the frames, whose times count them.
    ///   - options: the encoder's own.
    /// - Throws: `ConversionError.video`.
    init(
        path: String, codec: UnsafePointer<AVCodec>, width: Int, height: Int, format: AVPixelFormat, fps: Double,
        options: [(String, String)]
    ) throws {
        output = try VideoOutput(path: path)
        stream = try output.newStream()
        guard let context = avcodec_alloc_context3(codec) else {
            throw ConversionError.video(path: path, reason: "out of memory")
        }
        self.context = context
        let rate = av_d2q(fps, 1_001_000)
        context.pointee.width = Int32(width)
        context.pointee.height = Int32(height)
        context.pointee.pix_fmt = format
        context.pointee.time_base = AVRational(num: rate.den, den: rate.num)
        context.pointee.framerate = rate
        context.pointee.gop_size = Int32(VideoCodec.framesPerKeyframe)
        context.pointee.max_b_frames = 0
        context.pointee.flags |= lam_codec_global_header
        var dictionary: OpaquePointer?
        defer { av_dict_free(&dictionary) }
        for (key, value) in options { av_dict_set(&dictionary, key, value, 0) }
        try output.check(avcodec_open2(context, codec, &dictionary))
        try output.check(avcodec_parameters_from_context(stream.pointee.codecpar, context))
        stream.pointee.time_base = context.pointee.time_base
        stream.pointee.avg_frame_rate = rate
        try output.check(avformat_write_header(output.context, nil))
    }

    deinit {
        var freeing: UnsafeMutablePointer<AVCodecContext>? = context
        avcodec_free_context(&freeing)
    }

    /// Adds the next frame.
    ///
    /// - Throws: `ConversionError.video`.
    func append(_ frame: VideoFrame) throws { try send(frame.pointer) }

    /// Writes what is left and puts the file in its place.
    func finish() throws {
        try send(nil)
        try output.commit()
    }

    private func send(_ frame: UnsafeMutablePointer<AVFrame>?) throws {
        try output.check(avcodec_send_frame(context, frame))
        while true {
            let code = avcodec_receive_packet(context, packet.pointer)
            if code == lam_averror_again || code == lam_averror_eof { return }
            try output.check(code)
            packet.pointer.pointee.duration = 1
            av_packet_rescale_ts(packet.pointer, context.pointee.time_base, stream.pointee.time_base)
            packet.pointer.pointee.stream_index = 0
            try output.check(av_interleaved_write_frame(output.context, packet.pointer))
        }
    }
}
