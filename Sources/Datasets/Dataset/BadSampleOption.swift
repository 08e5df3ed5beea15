import DataCore

/// The option `data.on_bad_sample`: what happens where the frames of a sample cannot be decoded.
public enum BadSampleOption: String, Sendable, CaseIterable {
    /// The run ends with an error that names file, frame and cause.
    case fail
    /// Another pair of the same dataset takes its place, and the skip is told; `data.max_skips` bounds how often.
    case skip
}

extension DataError {
    /// Whether the data of some frames are bad, rather than a whole dataset, the disk or the network.
    package var isAboutFrames: Bool {
        switch self {
        case .undecodableFrame, .unreadableVideo, .videoChangesFormat, .frameNotFound, .unreadableImage,
            .framesBeyondVideo, .unreadableClip:
            true
        default: isAboutVideoFile
        }
    }

    /// Whether a video is not there, and nothing in its place.
    var isMissingVideo: Bool { if case .missingVideo = self { true } else { false } }

    /// Whether a video is not there, or has no content.
    package var isAboutVideoFile: Bool {
        switch self {
        case .missingVideo, .noVideo, .lfsPointer, .emptyFile: true
        default: false
        }
    }
}
