import CFFmpeg
import DataCore
import Foundation

/// Some frames of a video as a file of their own, number for number.
package struct VideoPart {
    let index: VideoIndex
    /// Places in presentation order.
    let frames: Range<Int>
    let path: String

    package init(of index: VideoIndex, frames: Range<Int>, path: String) {
        (self.index, self.frames, self.path) = (index, frames, path)
    }

    /// Copies packets and moves their times; does nothing where the first frame is no keyframe.
    ///
    /// - Returns: whether it did.
    /// - Throws: `ConversionError.video`; `DataError.unreadableVideo`.
    package func cut() throws -> Bool {
        guard frames.lowerBound >= 0, frames.upperBound <= index.count, !frames.isEmpty,
            let keyframe = index.keyframe(for: frames.lowerBound),
            keyframe.presentation == index.times[frames.lowerBound]
        else { return false }
        let times = index.times[frames.lowerBound]...index.times[frames.upperBound - 1]
        let container = try VideoContainer(path: index.path)
        let output = try VideoOutput(path: path)
        let stream = try output.newStream()
        try output.check(avcodec_parameters_copy(stream.pointee.codecpar, container.parameters))
        // The source's name for the codec may be one that mp4 does not have.
        stream.pointee.codecpar.pointee.codec_tag = 0
        stream.pointee.time_base = container.timeBase
        stream.pointee.avg_frame_rate = container.stream.pointee.avg_frame_rate
        try output.check(avformat_write_header(output.context, nil))
        let packet = VideoPacket()
        // Where this fails packets are read from the beginning.
        _ = container.seek(to: keyframe.decoding)
        while try container.read(into: packet.pointer) >= 0 {
            // A frame is decoded before it is shown, so that no later packet is of these frames.
            if packet.pointer.pointee.dts != lam_av_nopts, packet.pointer.pointee.dts > times.upperBound { break }
            let isShown = packet.pointer.pointee.flags & AV_PKT_FLAG_DISCARD == 0
            guard isShown, times.contains(packet.pointer.pointee.pts) else { continue }
            packet.pointer.pointee.pts -= times.lowerBound
            if packet.pointer.pointee.dts != lam_av_nopts { packet.pointer.pointee.dts -= times.lowerBound }
            packet.pointer.pointee.stream_index = 0
            packet.pointer.pointee.pos = -1
            av_packet_rescale_ts(packet.pointer, container.timeBase, stream.pointee.time_base)
            try output.check(av_interleaved_write_frame(output.context, packet.pointer))
        }
        try output.commit()
        return true
    }

    /// Encodes the decoded frames without loss, in their pixel format: HEVC, as LeRobot's depth videos are.
    ///
    /// - Throws: `ConversionError.video`, also where this build of FFmpeg has no encoder for the format.
    package func encode(fps: Double) throws {
        let decoder = try VideoDecoder(index: index)
        guard let codec = avcodec_find_encoder_by_name("libx265") else {
            throw ConversionError.video(path: path, reason: "this build of FFmpeg has no encoder for HEVC (libx265)")
        }
        let first = try decoder.frame(frames.lowerBound)
        let encoder = try VideoEncoder(
            path: path, codec: codec, width: first.width, height: first.height,
            format: AVPixelFormat(rawValue: first.pointer.pointee.format), fps: fps,
            options: [("x265-params", "lossless=1:log-level=none")])
        for (place, number) in frames.enumerated() {
            // The decoder keeps its last frame, whose time must stay what it is.
            let frame = VideoFrame()
            let code = av_frame_ref(frame.pointer, try decoder.frame(number).pointer)
            guard code >= 0 else { throw ConversionError.video(path: path, reason: LibAV.message(code)) }
            frame.pointer.pointee.pts = Int64(place)
            frame.pointer.pointee.pict_type = AV_PICTURE_TYPE_NONE
            try encoder.append(frame)
        }
        try encoder.finish()
    }

    /// What tells the file from these frames, each with all its numbers at its time; nil where nothing does. Frames that
    /// were predicted from others outside of a cut are not what they were.
    package func difference() throws -> String? {
        let part: VideoIndex
        do { part = try VideoIndex(path: path) } catch { return "\(error)" }
        guard part.count == frames.count else { return "expected \(frames.count) frames, got \(part.count)" }
        let (original, copy) = (try VideoDecoder(index: index), try VideoDecoder(index: part))
        for (place, frame) in frames.enumerated() {
            let expected = try original.frame(frame)
            let found: VideoFrame
            do { found = try copy.frame(place) } catch { return "frame \(place): \(error)" }
            guard found.format == expected.format, found.firstPlaneNumbers() == expected.firstPlaneNumbers() else {
                return "frame \(place) has other numbers"
            }
            let seconds = index.seconds(frame) - index.seconds(frames.lowerBound)
            guard abs(part.seconds(place) - seconds) < 1e-4 else {
                return "frame \(place): expected at \(seconds) s, got at \(part.seconds(place)) s"
            }
        }
        return nil
    }
}
