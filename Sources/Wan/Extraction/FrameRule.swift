/// Which frames of a segment are encoded. SPEC_WAN §7.
public struct FrameRule: Sendable, Equatable {
    /// Frames per second that are wanted; nil for all frames.
    public var targetFPS: Int?
    /// Distance of frames; goes before `targetFPS`.
    public var stride: Int?

    public init(targetFPS: Int? = nil, stride: Int? = nil) {
        self.targetFPS = targetFPS
        self.stride = stride
    }

    /// Episode frames of the segment `start ..< end` of a recording at `fps`, ascending; the last may be repeated.
    ///
    /// With a target rate g of o frames a second: every `max(1, round(o / g))`th, halves to even, and
    /// `max(1, (end - start) g / o)` of them, none beyond the segment's last.
    public func frames(start: Int, end: Int, fps: Int) -> [Int] {
        precondition(start >= 0 && start < end && fps > 0, "frames \(start) ..< \(end) at \(fps) a second")
        if let stride { return Array(Swift.stride(from: start, to: end, by: max(stride, 1))) }
        guard let targetFPS, targetFPS != fps else { return Array(start..<end) }
        let step = step(fps: fps)
        // Python computes the number in floating point and truncates it.
        let count = max(1, Int(Double(end - start) * Double(targetFPS) / Double(fps)))
        return (0..<count).map { min(start + $0 * step, end - 1) }
    }

    /// Distance of frames in the recording.
    public func step(fps: Int) -> Int {
        if let stride { return max(stride, 1) }
        guard let targetFPS, targetFPS != fps else { return 1 }
        return max(1, Int((Double(fps) / Double(targetFPS)).rounded(.toNearestOrEven)))
    }

    /// What is odd about the rule at this rate, where something is: the originals do it all the same.
    public func warning(fps: Int) -> String? {
        guard stride == nil, let targetFPS, targetFPS != fps else { return nil }
        if targetFPS > fps {
            return "--target_fps \(targetFPS) is more than the recording's \(fps): the end of each segment is its last "
                + "frame, repeated"
        }
        let real = Double(fps) / Double(step(fps: fps))
        guard real != Double(targetFPS) else { return nil }
        let consequence =
            real < Double(targetFPS)
            ? "the end of each segment is its last frame, repeated" : "the end of each segment is not encoded"
        return "--target_fps \(targetFPS) does not divide the recording's \(fps): every \(step(fps: fps)) frames are "
            + "taken, \((real * 100).rounded() / 100) a second; \(consequence)"
    }
}
