import DataCore
import Formats

extension LeRobotDataset {
    /// Reads the numbers of every row and compares them with the places of the episodes' rows.
    ///
    /// - Returns: what is odd and plays no part in reading pictures: the global `index`, and columns that are not what
    ///   `info.json` says.
    /// - Throws: `DataError.invalidField` naming file and row; `.episodeLengthMismatch`; `ParquetError`.
    @discardableResult
    public func verifyRows() throws -> [String] {
        var files: [FileNumber] = []
        var seen: Set<FileNumber> = []
        // Of a dataset from a hub the files have not told yet where the rows are.
        let placed = rowsAreChecked ? episodes : try RowPlacement.place(self, readsTasks: false).episodes
        for file in placed.flatMap(\.rows.files) where seen.insert(file).inserted { files.append(file) }
        var odd: (episodes: Set<Int>, first: String)?
        var byFile: [FileNumber: [Episode]] = [:]
        for episode in placed { for file in episode.rows.files { byFile[file, default: []].append(episode) } }
        var columns = ColumnVerification(info)
        for file in files {
            let table = try openTable(dataFile(file))
            try columns.read(table)
            let names = Set(table.columnNames)
            let own = byFile[file] ?? []
            if names.contains("episode_index") {
                let numbers = try table.exactIntegers("episode_index", of: 0...DatasetInfo.countLimit)
                for episode in own {
                    for row in episode.rows.parts(in: file).flatMap(\.rows) where numbers[row] != episode.episodeIndex {
                        throw DataError.invalidField(
                            path: table.path, line: nil, field: "episode_index of row \(row)",
                            expected: "\(episode.episodeIndex)", got: numbers[row].map { "\($0)" } ?? "null")
                    }
                }
            }
            if names.contains("timestamp"), let times = try? table.doubles("timestamp") {
                for episode in own {
                    // Compared with the row before, also of one part with the last: not a number is above nothing.
                    let rows = episode.rows.parts(in: file).flatMap(\.rows)
                    for (row, next) in zip(rows, rows.dropFirst()) where !(times[next] > times[row]) {
                        throw DataError.invalidField(
                            path: table.path, line: nil, field: "timestamp of row \(next)",
                            expected: "more than \(times[row]) of the frame before", got: "\(times[next])")
                    }
                }
            }
            guard names.contains("index"),
                let indexes = try? table.exactIntegers("index", of: 0...DatasetInfo.countLimit)
            else { continue }
            for episode in own {
                for (frames, rows) in episode.rows.parts(in: file) {
                    let start = episode.globalFrames.lowerBound + frames.lowerBound - rows.lowerBound
                    guard let row = rows.first(where: { indexes[$0] != start + $0 }) else { continue }
                    odd = odd ?? ([], "\(table.path), row \(row): \(indexes[row].map { "\($0)" } ?? "null")")
                    odd?.episodes.insert(episode.episodeIndex)
                }
            }
        }
        guard let odd else { return columns.warnings }
        return columns.warnings + [
            "the global index of \(odd.episodes.count) episodes does not count the rows in their order (first: \(odd.first)); "
                + "nothing is found by it"
        ]
    }
}
