import CFFmpeg

/// Which video files are taken.
package struct VideoKinds: Sendable, Hashable {
    /// Names of libavformat's demuxers.
    let containers: String
    /// For messages.
    let names: String
    /// Nil: whatever libavcodec decodes.
    let codecs: [AVCodecID]?

    /// What LeRobot datasets come in; all others are refused by name.
    package static let leRobot = VideoKinds(
        containers: "mov,matroska", names: "mp4 or WebM",
        codecs: [AV_CODEC_ID_AV1, AV_CODEC_ID_H264, AV_CODEC_ID_HEVC, AV_CODEC_ID_VP9, AV_CODEC_ID_MPEG4])

    /// What people have in folders.
    package static let all = VideoKinds(
        containers: "mov,matroska,avi", names: "mp4, mov, mkv, webm or avi", codecs: nil)

    /// Whether the packets' own times and flags tell the frames: so for codecs that were tried thoroughly, in containers that
    /// store times of presentation.
    func tellsFrames(_ codec: AVCodecID, hasPresentationTimes: Bool) -> Bool {
        hasPresentationTimes && Self.leRobot.codecs?.contains(codec) == true
    }
}

/// Where the presentation times of packets come from.
package enum PacketTimes: Sendable {
    case stored
    /// From their decoding times: every packet is a picture of its own.
    case decoding
    /// By their decoding times, as decoding the whole file has shown. Packets that show nothing have none.
    case mapped([Int64: Int64])
}
