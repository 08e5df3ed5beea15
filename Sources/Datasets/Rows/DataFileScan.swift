import DataCore
import Formats
import Parquet

/// What the rows of one data file say of themselves: which frame of which episode each is, when it was taken, and which
/// task it belongs to.
package struct DataFileScan: Sendable {
    /// Rows that follow each other in the file and in their episode.
    struct Run: Sendable {
        var episode: Int
        /// `frame_index` of the first row.
        var frame: Int
        var rows: Range<Int>
        /// `timestamp` of the first row in seconds.
        var time = 0.0
        /// How far the rows' times stray from `time` and the rate at most, in seconds.
        var jitter = 0.0
    }

    let path: String
    let rowCount: Int
    /// In the order of the file; nil where the file has no `episode_index`.
    private(set) var runs: [Run]?
    private(set) var hasTimes = false
    /// Runs of rows of one `task_index`, in the order of the file; empty where they were not asked for or there are none.
    private(set) var tasks: [(rows: Range<Int>, index: Int)] = []
    /// Why there are no tasks.
    private(set) var taskFault: DataError?

    /// - Parameters:
    ///   - fps: the dataset's rate.
    ///   - readsTasks: reads `task_index`, too.
    /// - Throws: `DataError.invalidField` naming column and row; `ParquetError`.
    package init(_ table: ParquetFile, fps: Double, readsTasks: Bool) throws {
        path = table.path
        rowCount = table.rowCount
        let names = Set(table.columnNames)
        if names.contains("episode_index") {
            let episodes = try Self.integers(table, "episode_index")
            let times = names.contains("timestamp") ? try? table.doubles("timestamp") : nil
            let frames =
                names.contains("frame_index")
                ? try Self.integers(table, "frame_index") : times.flatMap { Self.ranks(episodes, times: $0) }
            let found = Self.runs(episodes, frames)
            runs = found
            if let times { measure(times, found, fps: fps) }
        }
        if readsTasks, names.contains("task_index") {
            do {
                tasks = Self.tasks(try Self.integers(table, "task_index"))
            } catch let error as DataError {
                // Pictures need no task: only who asks for tasks is refused.
                taskFault = error
            }
        }
    }

    private static func integers(_ table: ParquetFile, _ column: String) throws -> [Int64] {
        // Without nulls and conversions, which is nearly always so, this is several times as fast.
        do { return try table.int64s(column) } catch ParquetError.typeMismatch, ParquetError.nullValue {}
        return try table.exactIntegers(column, of: 0...DatasetInfo.countLimit).enumerated().map { row, value in
            guard let value else {
                throw DataError.invalidField(
                    path: table.path, line: nil, field: "\(column) of row \(row)", expected: "an integer", got: "null")
            }
            return Int64(value)
        }
    }

    /// - Parameter frames: `frame_index`; nil counts the rows of each episode in their order.
    private static func runs(_ episodes: [Int64], _ frames: [Int64]?) -> [Run] {
        var runs: [Run] = []
        var counted: [Int64: Int] = [:]
        var row = 0
        while row < episodes.count {
            let episode = episodes[row]
            let frame = frames.map { Int($0[row]) } ?? counted[episode, default: 0]
            var end = row + 1
            while end < episodes.count, episodes[end] == episode,
                frames.map({ $0[end] == $0[end - 1] &+ 1 }) ?? true
            { end += 1 }
            runs.append(Run(episode: Int(episode), frame: frame, rows: row..<end))
            if frames == nil { counted[episode] = frame + end - row }
            row = end
        }
        return runs
    }

    private static func tasks(_ indexes: [Int64]) -> [(rows: Range<Int>, index: Int)] {
        var tasks: [(rows: Range<Int>, index: Int)] = []
        var row = 0
        while row < indexes.count {
            var end = row + 1
            while end < indexes.count, indexes[end] == indexes[row] { end += 1 }
            tasks.append((row..<end, Int(indexes[row])))
            row = end
        }
        return tasks
    }

    /// Numbers of the frames of each episode in the order of their times, where no column has them and the rows are in another
    /// order; nil where the rows follow each other in time.
    private static func ranks(_ episodes: [Int64], times: [Double]) -> [Int64]? {
        var rows: [Int64: [Int]] = [:]
        for row in episodes.indices { rows[episodes[row], default: []].append(row) }
        let isOrdered = rows.values.allSatisfy { rows in
            // Without a number for each row there is no other order than theirs.
            zip(rows, rows.dropFirst()).allSatisfy { !(times[$1] < times[$0]) }
        }
        guard !isOrdered else { return nil }
        var ranks = [Int64](repeating: 0, count: episodes.count)
        for rows in rows.values {
            let sorted = rows.sorted { (times[$0], $0) < (times[$1], $1) }
            for (rank, row) in sorted.enumerated() { ranks[row] = Int64(rank) }
        }
        return ranks
    }

    /// Times only confirm what the frames' numbers say: a column of another kind confirms nothing.
    private mutating func measure(_ times: [Double], _ found: [Run], fps: Double) {
        hasTimes = true
        runs = found.map { run in
            var run = run
            run.time = times[run.rows.lowerBound]
            for (frame, row) in run.rows.enumerated() {
                let stray = abs(times[row] - run.time - Double(frame) / fps)
                // Not a number is as far off as can be.
                run.jitter = stray.isNaN ? .infinity : max(run.jitter, stray)
            }
            return run
        }
    }

    /// The tasks of some rows.
    func tasks(in rows: Range<Int>) -> [(rows: Range<Int>, index: Int)] {
        var (low, high) = (0, tasks.count)
        while low < high {
            let middle = (low + high) / 2
            if tasks[middle].rows.upperBound <= rows.lowerBound { low = middle + 1 } else { high = middle }
        }
        var found: [(rows: Range<Int>, index: Int)] = []
        while low < tasks.count, tasks[low].rows.lowerBound < rows.upperBound {
            found.append((tasks[low].rows.clamped(to: rows), tasks[low].index))
            low += 1
        }
        return found
    }
}
