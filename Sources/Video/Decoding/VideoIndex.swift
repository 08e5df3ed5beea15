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
    /// The files that are taken, and where their packets' times come from.
    let kinds: VideoKinds
    let packetTimes: PacketTimes
    /// Ascending by presentation time; may hold ones that an edit list hides.
    let keyframes: [Keyframe]

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
        try self.init(path: path, source: source, kinds: .leRobot)
    }

    /// Reads the packet table of a file of other kinds, too. Where packets do not tell the frames, as in AVI files and with
    /// rare codecs, the file is decoded once.
    ///
    /// - Throws: as above.
    package init(path: String, source: (any ByteSource)? = nil, kinds: VideoKinds) throws {
        let container = try VideoContainer(path: path, source: source, readsTablesOnly: source != nil, kinds: kinds)
        try container.requireOneEdit(source)
        let parameters = container.parameters.pointee
        self.path = path
        self.kinds = kinds
        codec = LibAV.name(of: parameters.codec_id)
        turn = try container.turn()
        (width, height) = turn.size(width: Int(parameters.width), height: Int(parameters.height))
        secondsPerTick = Double(container.timeBase.num) / Double(container.timeBase.den)
        let found: Packets
        if kinds == .leRobot
            || kinds.tellsFrames(parameters.codec_id, hasPresentationTimes: container.hasPresentationTimes)
        {
            (found, packetTimes) = (try Packets(container), .stored)
        } else {
            (found, packetTimes) = try Packets.decoded(container)
        }
        (times, keyframes, damage) = (found.times.sorted(), found.keyframes, found.damage)
        if let position = times.indices.dropFirst().first(where: { times[$0] == times[$0 - 1] }) {
            throw DataError.unreadableVideo(
                path: path, reason: "frames \(position - 1) and \(position) have the same presentation time")
        }
    }

    /// The versions of libavformat and libavcodec: what one of them says of a file, another may not.
    package static var libraryVersion: String { "\(avformat_version()).\(avcodec_version())" }

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

    /// The frame that is on the screen at `seconds`: the last one that has begun by then, or `slack` later.
    ///
    /// - Precondition: the file is not empty.
    package func frame(shownAt seconds: Double, slack: Double) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self.seconds(middle) <= seconds + slack { low = middle + 1 } else { high = middle }
        }
        return max(low - 1, 0)
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
