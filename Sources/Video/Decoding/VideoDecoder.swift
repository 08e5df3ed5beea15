import CFFmpeg
import DataCore

/// Decodes chosen frames of one video file.
///
/// Goes on from where it is when the wanted frame lies a little ahead, and otherwise begins at the last keyframe
/// before it. One thread per decoder: parallelism is over decoders.
package final class VideoDecoder {
    package let index: VideoIndex
    private var container: VideoContainer
    /// The bytes, where they are not all on this disk.
    private let source: (any ByteSource)?
    private var codec: UnsafeMutablePointer<AVCodecContext>
    private let witness: DamageWitness?
    private let packet = VideoPacket()
    /// The last frame handed out, which is where the decoder stands; `nil` when it has to seek first.
    private var last: (position: Int, frame: VideoFrame)?
    /// Format of the first frame decoded; all others must have it.
    private var format: String?
    private var isDraining = false

    /// Decoding this many frames up to the next keyframe costs less than flushing the codec and seeking.
    private static let cheapGap = 4

    /// - Parameter checksDamage: decodes with a second decoder as well, where there is one for the codec: what either finds
    ///   damaged is an error.
    /// - Throws: `DataError.unreadableVideo`.
    package init(index: VideoIndex, source: (any ByteSource)? = nil, checksDamage: Bool = false) throws {
        self.index = index
        self.source = source
        let container = try VideoContainer(
            path: index.path, source: source, kinds: index.kinds, times: index.packetTimes)
        witness = checksDamage ? try DamageWitness(container) : nil
        codec = try Self.openCodec(container)
        self.container = container
    }

    deinit {
        var freeing: UnsafeMutablePointer<AVCodecContext>? = codec
        avcodec_free_context(&freeing)
    }

    /// - Parameter chosen: nil for the usual decoder of the container's codec.
    package static func openCodec(
        _ container: VideoContainer, with chosen: UnsafePointer<AVCodec>? = nil
    ) throws -> UnsafeMutablePointer<AVCodecContext> {
        let parameters = container.parameters
        let id = parameters.pointee.codec_id
        // FFmpeg's own AV1 decoder works with special hardware only.
        let usual = id == AV_CODEC_ID_AV1 ? avcodec_find_decoder_by_name("libdav1d") : avcodec_find_decoder(id)
        let decoder = chosen ?? usual
        func failure(_ reason: String) -> DataError {
            .unreadableVideo(path: container.path, reason: "\(LibAV.name(of: id)): \(reason)")
        }
        guard let decoder else { throw failure("this build of FFmpeg has no decoder for it") }
        var context = avcodec_alloc_context3(decoder)
        guard let opened = context else { throw failure("out of memory") }
        var code = avcodec_parameters_to_context(opened, parameters)
        if code >= 0 {
            opened.pointee.thread_count = 1
            opened.pointee.max_pixels = LibAV.maximumPixels
            opened.pointee.pkt_timebase = container.timeBase
            // H.264 need not say how far it reorders: hold back as many frames as the standard allows then, which
            // costs decoding up to 15 frames more. An mp4 tells it itself.
            if !container.tellsReordering { opened.pointee.strict_std_compliance = FF_COMPLIANCE_STRICT }
            code = avcodec_open2(opened, decoder, nil)
        }
        guard code >= 0 else {
            avcodec_free_context(&context)
            throw failure(LibAV.message(code))
        }
        return opened
    }

    /// The frame at `position` in presentation order.
    ///
    /// - Precondition: `position` in `0..<index.count`.
    /// - Throws: `DataError.undecodableFrame`, `.videoChangesFormat`. The decoder stays usable for other frames.
    package func frame(_ position: Int) throws -> VideoFrame {
        precondition(
            (0..<index.count).contains(position), "frame \(position) of \(index.count) in \(index.path)")
        if let last, last.position == position { return last.frame }
        let wanted = index.times[position]
        guard let start = index.keyframe(for: position) else {
            throw failure(wanted, "no keyframe before it")
        }
        if let last, last.position < position,
            index.position(ofFirstNotBefore: start.presentation) <= last.position + Self.cheapGap,
            let frame = try? decode(upTo: wanted)
        {
            self.last = (position, frame)
            return frame
        }
        // Also after a failed continuation: damage before the keyframe does not reach the frames behind it.
        last = nil
        try begin(at: start, for: wanted)
        let frame = try decode(upTo: wanted)
        last = (position, frame)
        return frame
    }

    private func failure(_ time: Int64, _ reason: String) -> DataError {
        .undecodableFrame(
            path: index.path, codec: index.codec, time: Double(time) * index.secondsPerTick, reason: reason)
    }

    /// Empties the codec and feeds it the packet of `keyframe`.
    private func begin(at keyframe: VideoIndex.Keyframe, for wanted: Int64) throws {
        avcodec_flush_buffers(codec)
        witness?.forget()
        isDraining = false
        if !container.hasFailed, container.seek(to: keyframe.decoding), try feedFirst(keyframe) { return }
        // The container's own index led past the keyframe or nowhere: read from the start.
        container = try VideoContainer(
            path: index.path, source: source, kinds: index.kinds, times: index.packetTimes)
        if source != nil { _ = container.seek(to: keyframe.decoding) }
        guard try feedFirst(keyframe) else { throw failure(wanted, "its keyframe is not there any more") }
    }

    /// Skips packets up to `keyframe` and feeds that one. False if it does not come.
    private func feedFirst(_ keyframe: VideoIndex.Keyframe) throws -> Bool {
        while try container.read(into: packet.pointer) >= 0 {
            guard packet.pointer.pointee.flags & AV_PKT_FLAG_KEY != 0 else { continue }
            let time = packet.pointer.pointee.pts
            if time == keyframe.presentation {
                try feed()
                return true
            }
            // Keyframes follow each other in time in decoding order, too.
            if time > keyframe.presentation { return false }
        }
        return false
    }

    private func feed() throws {
        let time = packet.pointer.pointee.pts
        guard packet.pointer.pointee.flags & AV_PKT_FLAG_CORRUPT == 0 else {
            throw failure(time, "a packet is cut off")
        }
        if let objection = witness?.objection(to: packet.pointer) { throw failure(time, objection) }
        let code = avcodec_send_packet(codec, packet.pointer)
        guard code >= 0 else { throw failure(time, LibAV.message(code)) }
    }

    /// Decodes on until the frame shown at `wanted` ticks comes out.
    private func decode(upTo wanted: Int64) throws -> VideoFrame {
        let frame = VideoFrame()
        while true {
            let code = avcodec_receive_frame(codec, frame.pointer)
            if code == lam_averror_again {
                try feedNext(wanted)
                continue
            }
            if code == lam_averror_eof {
                throw failure(wanted, "the decoder gave no frame for it\(index.damage.map { " (\($0))" } ?? "")")
            }
            guard code >= 0 else { throw failure(wanted, LibAV.message(code)) }
            let raw = frame.pointer.pointee
            let time = raw.pts == lam_av_nopts ? raw.best_effort_timestamp : raw.pts
            // A concealed error spreads to every frame predicted from this one.
            guard raw.flags & AV_FRAME_FLAG_CORRUPT == 0, raw.decode_error_flags == 0 else {
                throw failure(time, "damaged data")
            }
            try requireSameFormat(frame, time: time)
            if time == wanted { return frame }
            guard time < wanted else { throw failure(wanted, "the decoder gave no frame for it") }
        }
    }

    private func feedNext(_ wanted: Int64) throws {
        let code = try container.read(into: packet.pointer)
        if code >= 0 { return try feed() }
        guard code == lam_averror_eof else { throw failure(wanted, LibAV.message(code)) }
        guard !isDraining else { throw failure(wanted, "the decoder gave no frame for it") }
        isDraining = true
        if let objection = witness?.objection(to: nil) { throw failure(wanted, objection) }
        avcodec_send_packet(codec, nil)
    }

    private func requireSameFormat(_ frame: VideoFrame, time: Int64) throws {
        let current = frame.format
        if let format, format != current {
            throw DataError.videoChangesFormat(
                path: index.path, time: Double(time) * index.secondsPerTick, from: format, to: current)
        }
        format = current
    }
}
