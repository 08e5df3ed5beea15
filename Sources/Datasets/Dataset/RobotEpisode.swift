/// One recorded episode of a dataset in any format.
public struct RobotEpisode: InstructedEpisode, Sendable, Hashable {
    /// `episode_index` as the files number it; not the position in the dataset if episodes were removed.
    public var index: Int
    /// Frames, at least 1.
    public var length: Int
    public var tasks: [String]
    public var changingTasks: [TaskSpan]
    /// Which of the dataset's files holds the frames of the camera in question.
    public var file: Int
    /// What the episode is on the disk, below the dataset's root, where it is numbered by its place among others: another
    /// file beside it makes it another number. Empty where the files number it themselves.
    public var origin: String

    public init(
        index: Int, length: Int, tasks: [String], changingTasks: [TaskSpan] = [], file: Int = 0, origin: String = ""
    ) {
        (self.index, self.length, self.tasks) = (index, length, tasks)
        (self.changingTasks, self.file, self.origin) = (changingTasks, file, origin)
    }
}

/// An episode whose frames have instructions: one for all of them, or several in turn.
public protocol InstructedEpisode {
    /// Frames, at least 1.
    var length: Int { get }
    /// Instructions of the episode, usually one. In the order of the frames where those are known, else in any; none where
    /// nothing tells.
    var tasks: [String] { get }
    /// The instructions by frame, where there are several and it is known which frames have which.
    var changingTasks: [TaskSpan] { get }
}

extension InstructedEpisode {
    /// The instruction of a frame; nil if the episode has none.
    public func task(at frame: Int) -> String? {
        changingTasks.isEmpty ? tasks.first : changingTasks.text(at: frame)
    }

    /// The instructions that frames have, each once; empty where the episode has none.
    public var instructions: [String] {
        guard !changingTasks.isEmpty else { return Array(tasks.prefix(1)) }
        return changingTasks.reduce(into: []) { texts, span in if !texts.contains(span.text) { texts.append(span.text) }
        }
    }

    /// The instructions by frame: where they change, else the only one there is. Empty where nothing tells which of several
    /// it is.
    public var taskSpans: [TaskSpan] {
        if !changingTasks.isEmpty { return changingTasks }
        guard tasks.count == 1 else { return [] }
        return [TaskSpan(start: 0, end: length, text: tasks[0])]
    }
}
