/// A run of frames of an episode that have the same instruction.
public struct TaskSpan: Sendable, Hashable {
    /// Frames `start ..< end` of the episode.
    public var start: Int
    public var end: Int
    public var text: String

    public init(start: Int, end: Int, text: String) { (self.start, self.end, self.text) = (start, end, text) }

    /// Runs of equal texts among the instructions of an episode's frames.
    public static func spans(of texts: [String]) -> [TaskSpan] {
        var spans: [TaskSpan] = []
        for (frame, text) in texts.enumerated() { spans.append(text, frames: frame..<frame + 1) }
        return spans
    }
}

extension Array where Element == TaskSpan {
    /// Adds frames that follow the last span, which grows where the text is the same.
    mutating func append(_ text: String, frames: Range<Int>) {
        if let last, last.text == text {
            self[count - 1].end = frames.upperBound
        } else {
            append(TaskSpan(start: frames.lowerBound, end: frames.upperBound, text: text))
        }
    }

    /// The instruction of a frame.
    func text(at frame: Int) -> String? {
        // Spans are few: an episode has a handful of tasks.
        last { $0.start <= frame && frame < $0.end }?.text
    }
}
