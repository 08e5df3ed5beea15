import CFFmpeg
import Foundation

/// A codec that videos are written in.
public enum VideoCodec: String, Sendable, CaseIterable {
    case h264, av1

    /// FFmpeg's encoders of it, the best first, with their options. A keyframe every other frame, as LeRobot has it, and
    /// none that refer forwards: any frame is two decodings away, and presentation is the order of storage.
    var encoders: [(name: String, options: [(String, String)])] {
        switch self {
        case .h264:
            [
                (
                    "libx264",
                    [("preset", "medium"), ("crf", "18"), ("sc_threshold", "0"), ("bf", "0")] + Self.repeatable
                )
            ]
        case .av1:
            [
                ("libsvtav1", [("preset", "8"), ("crf", "28")]),
                ("libaom-av1", [("cpu-used", "8"), ("crf", "28"), ("b", "0"), ("lag-in-frames", "0")]),
            ]
        }
    }

    /// libx264's code for AVX-512 (version 164) does not always make the same bytes of the same pictures, and one in a
    /// dozen videos of small pictures came out otherwise. Without it, and without any, hundreds were equal.
    private static var repeatable: [(String, String)] {
        let hasAVX512 = av_get_cpu_flags() & AV_CPU_FLAG_AVX512 != 0
        return hasAVX512 ? [("x264-params", "asm=AVX2,FMA3,BMI2,LZCNT")] : []
    }

    /// Threads that one encoder keeps busy, about.
    package var threadsPerEncoder: Int {
        switch self {
        case .h264: 1
        case .av1: 4
        }
    }

    /// Has encoders print nothing. To be called before there are other threads, as it sets a variable of the process.
    package func quieten() {
        // SVT-AV1 reports to standard error unless told not to.
        setenv("SVT_LOG", "1", 0)
    }

    /// Frames from one keyframe to the next.
    static let framesPerKeyframe = 2
}
