import CFFmpeg
import DataCore

/// An open video file and its video stream: packets in file order, and seeking.
///
/// Only local files and few families of containers are accepted, so that a file cannot make FFmpeg open another one
/// (playlists, references).
package final class VideoContainer {
    package let path: String
    private let context: UnsafeMutablePointer<AVFormatContext>
    let stream: UnsafeMutablePointer<AVStream>
    private let input: VideoInput?
    /// Where the presentation times of packets come from.
    private let times: PacketTimes

    /// - Parameters:
    ///   - source: the bytes, where they are not all on this disk.
    ///   - readsTablesOnly: packets have their times, flags and sizes, but not their bytes.
    ///   - kinds: the containers and codecs that are taken.
    /// - Throws: `DataError.unreadableVideo`; what fetching throws.
    package init(
        path: String, source: (any ByteSource)? = nil, readsTablesOnly: Bool = false, kinds: VideoKinds = .leRobot,
        times: PacketTimes = .stored
    ) throws {
        _ = LibAV.configured
        self.path = path
        self.times = times
        var options: OpaquePointer?
        av_dict_set(&options, "protocol_whitelist", "file", 0)
        av_dict_set(&options, "format_whitelist", kinds.containers, 0)
        defer { av_dict_free(&options) }
        let input = source.map { VideoInput($0, fetches: !readsTablesOnly) }
        self.input = input
        var opened = input == nil ? nil : avformat_alloc_context()
        opened?.pointee.pb = input?.context
        // Parsers would look for keyframes in bytes that are not there.
        if readsTablesOnly { opened?.pointee.flags |= AVFMT_FLAG_NOPARSE | AVFMT_FLAG_NOFILLIN }
        let code = avformat_open_input(&opened, "file:" + path, nil, &options)
        guard code >= 0, let opened else {
            if let failure = input?.failure { throw failure }
            throw DataError.unreadableVideo(
                path: path, reason: "not a readable \(kinds.names) file: \(LibAV.message(code))")
        }
        let best = Self.videoStream(of: opened)
        guard best >= 0, let stream = opened.pointee.streams[Int(best)] else {
            var closing: UnsafeMutablePointer<AVFormatContext>? = opened
            avformat_close_input(&closing)
            throw DataError.unreadableVideo(path: path, reason: "expected a video stream, got none")
        }
        context = opened
        self.stream = stream
        // Other streams (sound) would only be read to be thrown away.
        for index in 0..<Int(opened.pointee.nb_streams) where index != Int(best) {
            opened.pointee.streams[index]?.pointee.discard = AVDISCARD_ALL
        }
        guard timeBase.num > 0, timeBase.den > 0 else {
            throw DataError.unreadableVideo(path: path, reason: "time base \(timeBase.num)/\(timeBase.den)")
        }
        let codec = parameters.pointee.codec_id
        if let codecs = kinds.codecs, !codecs.contains(codec) {
            throw DataError.unreadableVideo(
                path: path,
                reason: "expected codec \(codecs.map(LibAV.name).joined(separator: ", ")), "
                    + "got \(LibAV.name(of: codec))")
        }
        // MPEG-4 part 2 tells its size in the stream only. For the others this would cost decoding a few frames.
        if parameters.pointee.width <= 0, !readsTablesOnly { avformat_find_stream_info(opened, nil) }
    }

    /// The stream to read; never the picture of a cover, which libavformat lists among the videos.
    private static func videoStream(of context: UnsafeMutablePointer<AVFormatContext>) -> Int32 {
        let best = av_find_best_stream(context, AVMEDIA_TYPE_VIDEO, -1, -1, nil, 0)
        func isCover(_ place: Int32) -> Bool {
            (context.pointee.streams[Int(place)]?.pointee.disposition ?? 0) & AV_DISPOSITION_ATTACHED_PIC != 0
        }
        guard best >= 0, isCover(best) else { return best }
        return (0..<Int32(context.pointee.nb_streams)).first { place in
            context.pointee.streams[Int(place)]?.pointee.codecpar?.pointee.codec_type == AVMEDIA_TYPE_VIDEO
                && !isCover(place)
        } ?? -1
    }

    deinit {
        var closing: UnsafeMutablePointer<AVFormatContext>? = context
        avformat_close_input(&closing)
    }

    /// Whether bytes could not be fetched: what is read from now on says nothing.
    var hasFailed: Bool { input?.failure != nil }

    /// Streams of the file, sound and others among them.
    var streams: Int { Int(context.pointee.nb_streams) }

    /// Seconds per tick of a packet's times.
    var timeBase: AVRational { stream.pointee.time_base }

    /// Frames by the container's header, those that an edit list hides included; `nil` if it does not say.
    package var declaredFrames: Int? {
        let count = stream.pointee.nb_frames
        return count > 0 ? Int(count) : nil
    }

    /// Frames a second on average, by the container's header; `nil` if it does not say.
    package var declaredRate: Double? {
        let rate = stream.pointee.avg_frame_rate
        return rate.num > 0 && rate.den > 0 ? Double(rate.num) / Double(rate.den) : nil
    }

    /// Frames from one keyframe to the next on average, by the header alone; nil where that lists no frames.
    package var framesPerKeyframe: Int? {
        let count = avformat_index_get_entries_count(stream)
        guard tellsReordering, count > 0 else { return nil }
        let keyframes = (0..<count).count { place in
            (avformat_index_get_entry(stream, place)?.pointee.flags ?? 0) & AVINDEX_KEYFRAME != 0
        }
        return (Int(count) + keyframes - 1) / max(1, keyframes)
    }

    /// Whether the codec parameters hold how many frames come late in presentation order. WebM has no such field.
    var tellsReordering: Bool { formatName.hasPrefix("mov") }

    /// Names of libavformat's demuxer.
    var formatName: String { String(cString: context.pointee.iformat.pointee.name) }

    package var parameters: UnsafeMutablePointer<AVCodecParameters> {
        // SAFETY: libavformat allocates codecpar with every stream and frees both together.
        stream.pointee.codecpar!
    }

    /// Reads the next packet of the video stream into `packet`, replacing its content.
    ///
    /// - Returns: 0, or FFmpeg's error code; `lam_averror_eof` at the end.
    /// - Throws: what fetching the bytes throws.
    package func read(into packet: UnsafeMutablePointer<AVPacket>) throws -> Int32 {
        repeat {
            av_packet_unref(packet)
            let code = av_read_frame(context, packet)
            if let failure = input?.failure { throw failure }
            if code < 0 { return code }
        } while packet.pointee.stream_index != stream.pointee.index
        switch times {
        case .stored: break
        case .decoding: packet.pointee.pts = packet.pointee.dts
        case .mapped(let known): packet.pointee.pts = known[packet.pointee.dts] ?? lam_av_nopts
        }
        return 0
    }

    /// Goes to the last keyframe whose decoding time is not after `time` ticks, as far as the container's index knows.
    func seek(to time: Int64) -> Bool {
        av_seek_frame(context, stream.pointee.index, time, AVSEEK_FLAG_BACKWARD) >= 0
    }
}
