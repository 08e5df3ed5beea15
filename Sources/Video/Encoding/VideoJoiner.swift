import CFFmpeg
import DataCore
import Formats

/// Puts videos of one camera behind each other in one mp4, without decoding: packets are copied, times moved.
package final class VideoJoiner {
    let path: String
    /// Frames and bytes so far.
    package private(set) var frames = 0
    package private(set) var bytes = 0

    private let output: VideoOutput
    private let rate: AVRational
    private var stream: UnsafeMutablePointer<AVStream>?
    private var header: [UInt8] = []

    /// - Parameter fps: of all videos.
    package init(path: String, fps: Double) throws {
        _ = LibAV.configured
        self.path = path
        rate = av_d2q(fps, 1_001_000)
        output = try VideoOutput(path: path)
    }

    /// Appends the first `count` frames of a video that this program wrote.
    ///
    /// - Returns: false, with nothing done, if it was encoded with other parameters than the ones before.
    /// - Throws: `ConversionError.video`.
    package func append(_ part: String, count: Int) throws -> Bool {
        var opened: UnsafeMutablePointer<AVFormatContext>?
        var options: OpaquePointer?
        av_dict_set(&options, "protocol_whitelist", "file", 0)
        av_dict_set(&options, "format_whitelist", "mov", 0)
        defer { av_dict_free(&options) }
        try check(avformat_open_input(&opened, part, nil, &options), part)
        defer { avformat_close_input(&opened) }
        guard let input = opened, input.pointee.nb_streams == 1, let source = input.pointee.streams[0],
            let parameters = source.pointee.codecpar
        else { throw ConversionError.video(path: part, reason: "expected one video stream") }
        // SAFETY: libav gives `extradata_size` bytes at `extradata`.
        let own = Array(
            UnsafeRawBufferPointer(
                start: parameters.pointee.extradata,
                count: parameters.pointee.extradata == nil ? 0 : Int(parameters.pointee.extradata_size)))
        if stream == nil {
            let made = try output.newStream()
            try check(avcodec_parameters_copy(made.pointee.codecpar, parameters), part)
            made.pointee.codecpar.pointee.codec_tag = 0
            made.pointee.time_base = AVRational(num: rate.den, den: rate.num)
            made.pointee.avg_frame_rate = rate
            try check(avformat_write_header(output.context, nil), path)
            stream = made
            header = own
        }
        guard let stream, header == own else { return false }
        let packet = VideoPacket()
        var copied = 0
        while copied < count {
            let code = av_read_frame(input, packet.pointer)
            guard code != lam_averror_eof else { break }
            try check(code, part)
            // Frames are in the order of presentation, so that the place is the time, free of rounding.
            let time = av_rescale_q(
                Int64(frames + copied), AVRational(num: rate.den, den: rate.num), stream.pointee.time_base)
            packet.pointer.pointee.pts = time
            packet.pointer.pointee.dts = time
            packet.pointer.pointee.duration = av_rescale_q(
                1, AVRational(num: rate.den, den: rate.num), stream.pointee.time_base)
            packet.pointer.pointee.stream_index = 0
            packet.pointer.pointee.pos = -1
            bytes += Int(packet.pointer.pointee.size)
            try check(av_interleaved_write_frame(output.context, packet.pointer), path)
            copied += 1
        }
        guard copied == count else {
            throw ConversionError.video(path: part, reason: "expected \(count) frames, got \(copied)")
        }
        frames += count
        return true
    }

    /// Whether a video can be appended: `count` frames, stored in the order of presentation, at even steps, and shown as
    /// they are stored.
    package static func isPlain(_ path: String, count: Int) throws -> Bool {
        let container = try VideoContainer(path: path)
        let packet = VideoPacket()
        var times: [Int64] = []
        while try container.read(into: packet.pointer) >= 0 { times.append(packet.pointer.pointee.pts) }
        return try container.turn().isIdentity && times.count == count && !times.contains(lam_av_nopts)
            && times == times.sorted()
    }

    /// Puts the file in its place.
    package func finish() throws { try output.commit() }

    private func check(_ code: Int32, _ path: String) throws {
        guard code >= 0 else { throw ConversionError.video(path: path, reason: LibAV.message(code)) }
    }
}
