import CFFmpeg
import DataCore

extension VideoIndex {
    /// What one pass over a file's packets has found.
    struct Packets {
        /// Of the frames that are shown, in no order.
        var times: [Int64] = []
        /// Ascending by presentation time.
        var keyframes: [Keyframe] = []
        var damage: String?

        /// A file that lists more packets is not a video of this world: 2^27 frames are 51 days at 30 fps.
        private static let maximum = 1 << 27

        private init() {}

        /// Believes the packets' own times.
        init(_ container: VideoContainer) throws {
            let packet = VideoPacket()
            while true {
                let code = try container.read(into: packet.pointer)
                if code < 0 {
                    if code != lam_averror_eof { damage = LibAV.message(code) }
                    break
                }
                let flags = packet.pointer.pointee.flags
                guard flags & AV_PKT_FLAG_CORRUPT == 0 else {
                    damage = "a packet is cut off"
                    continue
                }
                let time = packet.pointer.pointee.pts
                guard time != lam_av_nopts else {
                    throw DataError.unreadableVideo(
                        path: container.path, reason: "packet \(times.count) has no presentation time")
                }
                if flags & AV_PKT_FLAG_KEY != 0 {
                    let decoding = packet.pointer.pointee.dts
                    keyframes.append(
                        Keyframe(presentation: time, decoding: decoding == lam_av_nopts ? time : decoding))
                }
                if flags & AV_PKT_FLAG_DISCARD == 0 { times.append(time) }
                try requireBound(container)
            }
            keyframes.sort { $0.presentation < $1.presentation }
        }

        /// Decodes the file from end to end. Each packet is marked by a number that the decoder hands on to the picture made
        /// of it, so the order of the pictures tells which packet is shown when, and which ones show nothing.
        ///
        /// The marks are the times of presentation, where the container has such, else those of decoding; then the frames are
        /// shown at the decoding times in their order, as the first cannot be shown before it is decoded.
        static func decoded(_ container: VideoContainer) throws -> (Packets, PacketTimes) {
            var found = Packets()
            var codec: UnsafeMutablePointer<AVCodecContext>? = try VideoDecoder.openCodec(container)
            defer { avcodec_free_context(&codec) }
            let (packet, frame) = (VideoPacket(), VideoFrame())
            let isOrdered = !container.hasPresentationTimes
            var starts: [(mark: Int64, decoding: Int64)] = []
            var marks: [Int64] = []
            func drain() throws {
                while found.damage == nil, avcodec_receive_frame(codec, frame.pointer) >= 0 {
                    let raw = frame.pointer.pointee
                    guard raw.flags & AV_FRAME_FLAG_CORRUPT == 0, raw.decode_error_flags == 0 else {
                        found.damage = "damaged data in frame \(marks.count)"
                        return
                    }
                    guard raw.pts != lam_av_nopts else {
                        throw DataError.unreadableVideo(
                            path: container.path, reason: "frame \(marks.count) has no presentation time")
                    }
                    marks.append(raw.pts)
                }
            }
            while found.damage == nil {
                let code = try container.read(into: packet.pointer)
                if code < 0 {
                    if code != lam_averror_eof { found.damage = LibAV.message(code) }
                    break
                }
                let pointer = packet.pointer
                guard pointer.pointee.flags & AV_PKT_FLAG_CORRUPT == 0 else {
                    found.damage = "a packet is cut off"
                    break
                }
                if isOrdered { pointer.pointee.pts = pointer.pointee.dts }
                guard pointer.pointee.pts != lam_av_nopts else {
                    throw DataError.unreadableVideo(path: container.path, reason: "a packet has no time")
                }
                if pointer.pointee.flags & AV_PKT_FLAG_KEY != 0 {
                    let decoding = pointer.pointee.dts
                    starts.append(
                        (pointer.pointee.pts, decoding == lam_av_nopts ? pointer.pointee.pts : decoding))
                }
                let sent = avcodec_send_packet(codec, pointer)
                if sent < 0 { found.damage = LibAV.message(sent) }
                try drain()
                try found.requireBound(container)
            }
            if found.damage == nil {
                avcodec_send_packet(codec, nil)
                try drain()
            }
            guard Set(marks).count == marks.count else {
                throw DataError.unreadableVideo(
                    path: container.path, reason: "several frames have the same presentation time")
            }
            found.times = marks.sorted()
            if !isOrdered {
                guard found.times == marks else {
                    throw DataError.unreadableVideo(
                        path: container.path, reason: "its frames are not in the order of their times")
                }
                found.keyframes = starts.map { Keyframe(presentation: $0.mark, decoding: $0.decoding) }
                    .sorted { $0.presentation < $1.presentation }
                return (found, .stored)
            }
            let shown = Dictionary(uniqueKeysWithValues: zip(marks, found.times))
            found.keyframes = starts.compactMap { start in
                shown[start.mark].map { Keyframe(presentation: $0, decoding: start.decoding) }
            }.sorted { $0.presentation < $1.presentation }
            return (found, found.times == marks ? .decoding : .mapped(shown))
        }

        private func requireBound(_ container: VideoContainer) throws {
            guard times.count <= Self.maximum, keyframes.count <= Self.maximum else {
                throw DataError.unreadableVideo(path: container.path, reason: "more than \(Self.maximum) frames")
            }
        }
    }
}

extension VideoContainer {
    /// Whether packets have times of presentation, rather than of decoding only. AVI knows none.
    var hasPresentationTimes: Bool { !formatName.hasPrefix("avi") }
}
