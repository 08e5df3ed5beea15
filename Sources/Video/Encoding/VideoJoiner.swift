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
    /// Frames by which decoding is ahead of showing.
    private var delay = 0

    /// - Parameter fps: of all videos.
    package init(path: String, fps: Double) throws {
        _ = LibAV.configured
        self.path = path
        rate = av_d2q(fps, 1_001_000)
        output = try VideoOutput(path: path)
    }

    /// Appends a video of `count` frames that this program wrote or that has no `obstacle`.
    ///
    /// - Returns: false, with nothing done, if it was encoded with other parameters than the ones before, or needs more frames
    ///   decoded ahead.
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
        let times = try Self.storedTimes(VideoContainer(path: part)).prefix(count)
        var shown = [Int](repeating: 0, count: times.count)
        let inOrder = times.indices.sorted { times[$0] < times[$1] }
        for (place, stored) in inOrder.enumerated() { shown[stored] = place }
        guard shown.count == count else {
            throw ConversionError.video(path: part, reason: "expected \(count) frames, got \(shown.count)")
        }
        let needed = shown.enumerated().map { $0.offset - $0.element }.max() ?? 0
        if stream == nil {
            delay = needed
            let made = try output.newStream()
            try check(avcodec_parameters_copy(made.pointee.codecpar, parameters), part)
            made.pointee.codecpar.pointee.codec_tag = 0
            made.pointee.time_base = AVRational(num: rate.den, den: rate.num)
            made.pointee.avg_frame_rate = rate
            try check(avformat_write_header(output.context, nil), path)
            stream = made
            header = own
        }
        guard let stream, header == own, needed <= delay else { return false }
        let packet = VideoPacket()
        var copied = 0
        while copied < count {
            let code = av_read_frame(input, packet.pointer)
            guard code != lam_averror_eof else { break }
            try check(code, part)
            func time(_ place: Int) -> Int64 {
                av_rescale_q(Int64(place), AVRational(num: rate.den, den: rate.num), stream.pointee.time_base)
            }
            // The place among the frames is the time, free of rounding; frames that others need are decoded ahead of theirs.
            packet.pointer.pointee.pts = time(frames + shown[copied])
            packet.pointer.pointee.dts = time(frames + copied - delay)
            packet.pointer.pointee.duration = time(1)
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

    /// What keeps a video of `count` frames from being appended as it is; nil for nothing.
    package static func obstacle(_ path: String, count: Int) throws -> String? {
        let container = try VideoContainer(path: path)
        if let obstacle = try obstacle(container) { return obstacle }
        let times = try storedTimes(container)
        guard !times.contains(lam_av_nopts), Set(times).count == times.count else { return "its frames have no times" }
        guard times.count == count else { return "its file has \(times.count) frames, its episodes \(count)" }
        return times.first == times.min() ? nil : "its file begins with frames that are shown later"
    }

    /// The same by the header alone.
    package static func obstacle(_ container: VideoContainer) throws -> String? {
        guard try container.turn().isIdentity else { return "its header turns its pictures" }
        return container.streams == 1 ? nil : "its file has more than the one stream"
    }

    /// When frames are shown, in the order in which they are stored, which is another one where there are B-frames.
    private static func storedTimes(_ container: VideoContainer) throws -> [Int64] {
        let packet = VideoPacket()
        var times: [Int64] = []
        while try container.read(into: packet.pointer) >= 0 { times.append(packet.pointer.pointee.pts) }
        return times
    }

    /// Puts the file in its place.
    package func finish() throws { try output.commit() }

    private func check(_ code: Int32, _ path: String) throws {
        guard code >= 0 else { throw ConversionError.video(path: path, reason: LibAV.message(code)) }
    }
}
