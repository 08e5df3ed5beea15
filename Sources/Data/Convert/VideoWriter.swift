import CFFmpeg
import Formats
import Foundation

/// Encodes pictures of one size as an mp4, which appears whole or not at all. Not for use by two threads at once.
///
/// 4:2:0, BT.601 with limited range, no colour tags: LeRobot's own videos are such, and readers expect it.
final class VideoWriter {
    let path: String
    let width: Int
    let height: Int
    private(set) var frames = 0

    private let output: VideoOutput
    private let encoder: UnsafeMutablePointer<AVCodecContext>
    private let stream: UnsafeMutablePointer<AVStream>
    private let scaler: UnsafeMutableRawPointer
    private let packet = VideoPacket()
    private let picture = VideoFrame()

    /// - Throws: `ConversionError.video`.
    init(path: String, width: Int, height: Int, fps: Double, codec: VideoCodec) throws {
        _ = LibAV.configured
        (self.path, self.width, self.height) = (path, width, height)
        func failure(_ reason: String) -> ConversionError { .video(path: path, reason: reason) }
        guard width > 0, height > 0, width % 2 == 0, height % 2 == 0,
            Int64(width) * Int64(height) <= LibAV.maximumPixels
        else { throw failure("pictures of \(width)x\(height): 4:2:0 needs even sizes") }
        guard
            let (found, options) = codec.encoders.lazy.compactMap({ encoder in
                avcodec_find_encoder_by_name(encoder.name).map { ($0, encoder.options) }
            }).first
        else {
            let names = codec.encoders.map(\.name).joined(separator: " or ")
            throw failure("this build of FFmpeg has no encoder for \(codec.rawValue) (\(names))")
        }
        // SVT-AV1 reports to standard error unless told not to.
        setenv("SVT_LOG", "1", 0)
        output = try VideoOutput(path: path)
        guard let encoder = avcodec_alloc_context3(found), let stream = avformat_new_stream(output.context, nil),
            let scaler = lam_sws_create_encoding(Int32(width), Int32(height))
        else { throw failure("out of memory") }
        (self.encoder, self.stream, self.scaler) = (encoder, stream, scaler)

        let rate = av_d2q(fps, 1_001_000)
        encoder.pointee.width = Int32(width)
        encoder.pointee.height = Int32(height)
        encoder.pointee.pix_fmt = AV_PIX_FMT_YUV420P
        encoder.pointee.time_base = AVRational(num: rate.den, den: rate.num)
        encoder.pointee.framerate = rate
        encoder.pointee.gop_size = Int32(VideoCodec.framesPerKeyframe)
        encoder.pointee.max_b_frames = 0
        encoder.pointee.flags |= lam_codec_global_header
        var dictionary: OpaquePointer?
        defer { av_dict_free(&dictionary) }
        for (key, value) in options { av_dict_set(&dictionary, key, value, 0) }
        try check(avcodec_open2(encoder, found, &dictionary))
        try check(avcodec_parameters_from_context(stream.pointee.codecpar, encoder))
        stream.pointee.time_base = encoder.pointee.time_base
        stream.pointee.avg_frame_rate = rate
        try check(avformat_write_header(output.context, nil))

        picture.pointer.pointee.width = Int32(width)
        picture.pointer.pointee.height = Int32(height)
        picture.pointer.pointee.format = AV_PIX_FMT_YUV420P.rawValue
        try check(av_frame_get_buffer(picture.pointer, 0))
    }

    deinit {
        lam_sws_free(scaler)
        var freeing: UnsafeMutablePointer<AVCodecContext>? = encoder
        avcodec_free_context(&freeing)
    }

    /// Adds the next frame.
    ///
    /// - Throws: `ConversionError.video`, also for a picture of another size.
    func append(_ image: RGBImage) throws {
        guard image.width == width, image.height == height else {
            throw ConversionError.video(
                path: path,
                reason: "frame \(frames): expected \(width)x\(height) as before, got \(image.width)x\(image.height)")
        }
        try check(av_frame_make_writable(picture.pointer))
        let rows = image.pixels.withUnsafeBufferPointer {
            lam_sws_convert_encoding(scaler, $0.baseAddress, Int32(width * 3), picture.pointer)
        }
        guard rows == height else { throw ConversionError.video(path: path, reason: "conversion to 4:2:0 failed") }
        picture.pointer.pointee.pts = Int64(frames)
        frames += 1
        try check(avcodec_send_frame(encoder, picture.pointer))
        try drain()
    }

    /// Writes what is left and puts the file in its place.
    func finish() throws {
        try check(avcodec_send_frame(encoder, nil))
        try drain()
        try output.commit()
    }

    private func drain() throws {
        while true {
            let code = avcodec_receive_packet(encoder, packet.pointer)
            if code == lam_averror_again || code == lam_averror_eof { return }
            try check(code)
            packet.pointer.pointee.duration = 1
            av_packet_rescale_ts(packet.pointer, encoder.pointee.time_base, stream.pointee.time_base)
            packet.pointer.pointee.stream_index = 0
            try check(av_interleaved_write_frame(output.context, packet.pointer))
        }
    }

    private func check(_ code: Int32) throws {
        guard code >= 0 else { throw ConversionError.video(path: path, reason: LibAV.message(code)) }
    }
}

/// An mp4 under way: written beside its place, put there by `commit`, removed otherwise.
final class VideoOutput {
    let path: String
    let context: UnsafeMutablePointer<AVFormatContext>
    private let temporary: String
    private var isCommitted = false

    /// - Throws: `ConversionError.video`.
    init(path: String) throws {
        self.path = path
        temporary = AtomicFile.temporaryPath(for: path)
        var context: UnsafeMutablePointer<AVFormatContext>?
        let code = avformat_alloc_output_context2(&context, nil, "mp4", temporary)
        guard code >= 0, let context else { throw ConversionError.video(path: path, reason: LibAV.message(code)) }
        self.context = context
        let opened = avio_open(&context.pointee.pb, temporary, AVIO_FLAG_WRITE)
        guard opened >= 0 else {
            avformat_free_context(context)
            isCommitted = true
            throw ConversionError.video(path: path, reason: LibAV.message(opened))
        }
    }

    deinit {
        guard !isCommitted else { return }
        avio_closep(&context.pointee.pb)
        avformat_free_context(context)
        unlink(temporary)
    }

    /// Writes the trailer and makes the file durable under its name.
    func commit() throws {
        var code = av_write_trailer(context)
        let closed = avio_closep(&context.pointee.pb)
        if code >= 0 { code = closed }
        guard code >= 0 else { throw ConversionError.video(path: path, reason: LibAV.message(code)) }
        let descriptor = open(temporary, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0, fsync(descriptor) == 0, close(descriptor) == 0, rename(temporary, path) == 0 else {
            throw ConversionError.video(path: path, reason: String(cString: strerror(errno)))
        }
        avformat_free_context(context)
        isCommitted = true
        try AtomicFile.syncFolder(of: path)
    }
}
