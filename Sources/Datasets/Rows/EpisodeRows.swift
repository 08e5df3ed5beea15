/// Where the rows of an episode lie: runs of rows of data files, in the order of the episode's frames.
///
/// Nearly always this is one run. Datasets whose rows are not sorted by episode have several.
public struct EpisodeRows: Sendable, Equatable {
    /// Rows of one file that follow each other.
    public struct Run: Sendable, Equatable {
        public let file: FileNumber
        /// Counted from 0 in the file.
        public let rows: Range<Int>

        public init(file: FileNumber, rows: Range<Int>) { (self.file, self.rows) = (file, rows) }
    }

    public let first: Run
    /// The runs behind the first; an empty array costs a million episodes no memory of their own.
    public let others: [Run]

    public init(file: FileNumber, rows: Range<Int>) {
        (first, others) = (Run(file: file, rows: rows), [])
    }

    /// - Precondition: there is at least one run.
    public init(_ runs: [Run]) {
        precondition(!runs.isEmpty, "an episode without rows")
        (first, others) = (runs[0], Array(runs.dropFirst()))
    }

    public var runs: [Run] { [first] + others }

    /// The files that hold some of the rows, each once.
    public var files: [FileNumber] {
        others.reduce(into: [first.file]) { files, run in if !files.contains(run.file) { files.append(run.file) } }
    }

    public var count: Int { others.reduce(first.rows.count) { $0 + $1.rows.count } }

    /// File and row of a frame.
    ///
    /// - Precondition: `0 <= frame < count`.
    public func place(of frame: Int) -> (file: FileNumber, row: Int) {
        if frame < first.rows.count { return (first.file, first.rows.lowerBound + frame) }
        var left = frame - first.rows.count
        for run in others {
            if left < run.rows.count { return (run.file, run.rows.lowerBound + left) }
            left -= run.rows.count
        }
        preconditionFailure("frame \(frame) of \(count) rows")
    }

    /// The runs in one file, each with the frames that it holds.
    public func parts(in file: FileNumber) -> [(frames: Range<Int>, rows: Range<Int>)] {
        var parts: [(frames: Range<Int>, rows: Range<Int>)] = []
        var frame = 0
        for run in runs {
            if run.file == file { parts.append((frame..<frame + run.rows.count, run.rows)) }
            frame += run.rows.count
        }
        return parts
    }
}
