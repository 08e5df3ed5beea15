import CFFmpeg
import DataCore

/// The frames of one video file in presentation order, from a single pass over its packets; nothing is decoded.
///
/// Packet order is decoding order, which differs where there are B-frames. Frames that an edit list hides are not
/// counted; variable frame rates and any start time are kept as they are.
public struct VideoIndex: Sendable {
    /// Where decoding can begin.
    struct Keyframe: Sendable {
        let presentation: Int64
        /// Decoding time, by which containers are searched; the presentation time where the file gives none.
        let decoding: Int64
    }

    public let path: String
    /// Codec by the container, for example `av1`; what `info.json` claims is not always true.
    public let codec: String
    /// Of the pictures as they are shown, after a display matrix.
    public let width: Int
    public let height: Int
    /// What the container's display matrix asks for.
    package let turn: PictureTurn
    /// Seconds per tick.
    public let secondsPerTick: Double
    /// Why the pass over the packets ended before the end that the container promises.
    public let damage: String?
    /// Presentation times in ticks, strictly ascending.
    let times: [Int64]
    /// Ascending by presentation time; may hold ones that an edit list hides.
    let keyframes: [Keyframe]

    /// A file that lists more packets is not a video of this world: 2^27 frames are 51 days at 30 fps.
    private static let maximumFrames = 1 << 27

    /// Frames of the file.
    public var count: Int { times.count }

    /// Presentation time of a frame in seconds.
    public func seconds(_ frame: Int) -> Double { Double(times[frame]) * secondsPerTick }

    /// Largest distance between keyframes in frames, the group of pictures; `nil` without a visible keyframe.
    public var longestGroup: Int? {
        let starts = keyframes.compactMap { keyframe in
            let position = position(ofFirstNotBefore: keyframe.presentation)
            return position < count ? position : nil
        }
        guard starts.first != nil else { return nil }
        return zip(starts, starts.dropFirst() + [count]).map { $1 - $0 }.max()
    }

    /// Frames from one keyframe to the next, on average.
    package var framesPerKeyframe: Int { (times.count + keyframes.count - 1) / max(1, keyframes.count) }

    /// Reads the packet table of a file.
    ///
    /// - Parameter source: the bytes, where they are not all on this disk; the tables must be.
    /// - Throws: `DataError.unreadableVideo`; also where two frames have the same time or one has none.
    public init(path: String, source: (any ByteSource)? = nil) throws {
        let container = try VideoContainer(path: path, source: source, readsTablesOnly: source != nil)
        let parameters = container.parameters.pointee
        self.path = path
        codec = LibAV.name(of: parameters.codec_id)
        turn = try container.turn()
        (width, height) = turn.size(width: Int(parameters.width), height: Int(parameters.height))
        secondsPerTick = Double(container.timeBase.num) / Double(container.timeBase.den)

        let packet = VideoPacket()
        var times: [Int64] = []
        var keyframes: [Keyframe] = []
        var damage: String?
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
                throw DataError.unreadableVideo(path: path, reason: "packet \(times.count) has no presentation time")
            }
            if flags & AV_PKT_FLAG_KEY != 0 {
                let decoding = packet.pointer.pointee.dts
                keyframes.append(
                    Keyframe(presentation: time, decoding: decoding == lam_av_nopts ? time : decoding))
            }
            if flags & AV_PKT_FLAG_DISCARD == 0 { times.append(time) }
            guard times.count <= Self.maximumFrames, keyframes.count <= Self.maximumFrames else {
                throw DataError.unreadableVideo(path: path, reason: "more than \(Self.maximumFrames) frames")
            }
        }
        times.sort()
        keyframes.sort { $0.presentation < $1.presentation }
        if let position = times.indices.dropFirst().first(where: { times[$0] == times[$0 - 1] }) {
            throw DataError.unreadableVideo(
                path: path, reason: "frames \(position - 1) and \(position) have the same presentation time")
        }
        self.times = times
        self.keyframes = keyframes
        self.damage = damage
    }

    /// The frame whose presentation time is nearest to `seconds`; `nil` in an empty file.
    public func nearest(to seconds: Double) -> Int? {
        guard count > 0 else { return nil }
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self.seconds(middle) < seconds { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return 0 }
        guard low < count else { return count - 1 }
        return seconds - self.seconds(low - 1) <= self.seconds(low) - seconds ? low - 1 : low
    }

    /// The last keyframe that is not shown after `frame`: where decoding it has to begin.
    func keyframe(for frame: Int) -> Keyframe? {
        var low = 0
        var high = keyframes.count
        while low < high {
            let middle = (low + high) / 2
            if keyframes[middle].presentation <= times[frame] { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? keyframes[low - 1] : nil
    }

    func position(ofFirstNotBefore time: Int64) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if times[middle] < time { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
