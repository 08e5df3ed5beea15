import DataCore
import Formats
import Foundation
import Parquet

extension LeRobotDataset {
    /// Reads what the rows of a data file say of themselves.
    ///
    /// - Throws: `DataError.missingFile`, `.lfsPointer`, `.invalidField`; `ParquetError`.
    func scan(_ file: FileNumber, readsTasks: Bool) throws -> DataFileScan {
        try DataFileScan(openTable(try dataFile(file)), fps: fps, readsTasks: readsTasks)
    }

    /// Opens a data file.
    func openTable(_ path: String) throws -> ParquetFile {
        let lease = try hold(path)
        defer { withExtendedLifetime(lease) {} }
        try MetadataFile.requireContent(path: path, purpose: "rows of dataset \(name)")
        return try ParquetFile(path: path)
    }

    /// Where the rows of an episode lie. Of a dataset that comes from a hub the rows were not read on opening, so that
    /// the file says it here.
    ///
    /// - Throws: `DataError.episodeLengthMismatch` where the file that should hold the rows does not.
    func rows(of episode: Episode) throws -> EpisodeRows {
        guard !rowsAreChecked else { return episode.rows }
        return try rows(of: episode) { try scan($0, readsTasks: false) }
    }

    /// The rows of an episode by the data file that should hold them, or by the next one: the converter from v2.1 names the
    /// file before the right one where a new one begins.
    ///
    /// - Parameter scan: reads a data file, or has read it.
    func rows(of episode: Episode, scan: (FileNumber) throws -> DataFileScan) throws -> EpisodeRows {
        let file = episode.dataFile
        do {
            return try rows(of: episode, in: scan(file), file)
        } catch let fault as DataError {
            guard case .episodeLengthMismatch(_, _, _, _, 0, _) = fault, info.codebaseVersion == .v30 else {
                throw fault
            }
            for next in [
                FileNumber(chunk: file.chunk, file: file.file + 1), FileNumber(chunk: file.chunk + 1, file: 0),
            ]
            where try isStored(next) {
                if let found = try? rows(of: episode, in: scan(next), next) { return found }
            }
            throw fault
        }
    }

    /// Whether a data file exists, here or on the hub.
    private func isStored(_ file: FileNumber) throws -> Bool {
        let path = try dataFile(file)
        guard let names = files?.names else { return FileManager.default.fileExists(atPath: path) }
        return names.contains(String(path.dropFirst(root.count + 1)))
    }

    /// The rows of an episode in one data file.
    package func rows(of episode: Episode, in scan: DataFileScan, _ file: FileNumber) throws -> EpisodeRows {
        guard let runs = scan.runs else { return episode.rows }
        let own = runs.filter { $0.episode == episode.episodeIndex }.sorted { $0.frame < $1.frame }
        let found = own.reduce(0) { $0 + $1.rows.count }
        let isInOrder = zip(own, own.dropFirst()).allSatisfy { $1.frame == $0.frame + $0.rows.count }
        guard found == episode.length, isInOrder else {
            throw DataError.episodeLengthMismatch(
                dataset: name, episode: episode.episodeIndex, declared: episode.length, declaredIn: "meta/episodes",
                found: found, foundIn: scan.path)
        }
        return EpisodeRows(own.map { EpisodeRows.Run(file: file, rows: $0.rows) })
    }

    /// The values of a column in the frames of an episode, with the file and row of each for messages.
    func columnValues(
        _ columns: [String], of episode: Episode
    ) throws -> [(values: [ParquetValue], place: (Int) -> (path: String, row: Int))] {
        let rows = try rows(of: episode)
        var values = [[ParquetValue]](repeating: [], count: columns.count)
        var tables: [FileNumber: ParquetFile] = [:]
        for run in rows.runs {
            let table = try tables[run.file] ?? openTable(dataFile(run.file))
            tables[run.file] = table
            for (place, column) in columns.enumerated() {
                values[place] += try table.values(column, rows: run.rows)
            }
        }
        return values.map { own in
            (
                own,
                { frame in
                    let (file, row) = rows.place(of: frame)
                    return (tables[file]?.path ?? root, row)
                }
            )
        }
    }

    /// The data files on this disk, whatever `meta` says of them, in the order of their numbers.
    func storedDataFiles() -> [FileNumber] {
        guard let example = try? info.dataPath.path(numbers: numbers(FileNumber(chunk: 0, file: 0))),
            let folder = example.split(separator: "/").first
        else { return [] }
        let names = FileManager.default.enumerator(atPath: "\(root)/\(folder)")?.compactMap { $0 as? String } ?? []
        return names.compactMap { name in
            let path = "\(folder)/\(name)"
            let digits = path.split(whereSeparator: { !$0.isASCII || !$0.isNumber }).compactMap { Int($0) }
            guard digits.count >= 2 else { return nil }
            let file = FileNumber(chunk: digits[digits.count - 2], file: digits[digits.count - 1])
            // The template decides; the digits only guess.
            return (try? info.dataPath.path(numbers: numbers(file))) == path ? file : nil
        }.sorted { ($0.chunk, $0.file) < ($1.chunk, $1.file) }
    }

    /// Instructions of the episodes whose metadata name none or several, by their rows; for datasets whose data files
    /// were not read on opening.
    mutating func readMissingTasks() throws {
        var scans: [FileNumber: DataFileScan] = [:]
        for position in episodes.indices where episodes[position].tasks.count != 1 {
            let episode = episodes[position]
            let rows = try rows(of: episode) { file in
                let scan = try scans[file] ?? self.scan(file, readsTasks: true)
                // Neighbours lie in the same file or the next.
                if scans.count > 2 { scans = [:] }
                scans[file] = scan
                return scan
            }
            do {
                episodes[position].setTasks(try taskSpans(rows, scans))
            } catch let fault as DataError {
                taskFault = taskFault ?? fault
            }
        }
    }

    /// The instructions of rows, by the files that hold them; empty where those have none.
    ///
    /// - Throws: `DataError.invalidField` for a `task_index` that is no number or names no task.
    func taskSpans(_ rows: EpisodeRows, _ scans: [FileNumber: DataFileScan]) throws -> [TaskSpan] {
        var spans: [TaskSpan] = []
        var frame = 0
        for run in rows.runs {
            guard let scan = scans[run.file] else { return [] }
            if let fault = scan.taskFault { throw fault }
            guard !scan.tasks.isEmpty else { return [] }
            for (part, index) in scan.tasks(in: run.rows) {
                guard let text = taskTexts[index] else {
                    throw DataError.invalidField(
                        path: scan.path, line: nil, field: "task_index of row \(part.lowerBound)",
                        expected: "one of the \(tasks.count) tasks", got: "\(index)")
                }
                let start = frame + part.lowerBound - run.rows.lowerBound
                spans.append(text, frames: start..<start + part.count)
            }
            frame += run.rows.count
        }
        return spans
    }

    /// Makes sure that the instructions of all frames are known, as far as the dataset has any.
    ///
    /// - Throws: `DataError.invalidField` for a `task_index` that names no task.
    public func requireTasks() throws {
        if let taskFault { throw taskFault }
    }
}

extension Episode {
    /// Takes the instructions of the frames in the place of the episode's list, which is a set in any order.
    mutating func setTasks(_ spans: [TaskSpan]) {
        guard !spans.isEmpty else { return }
        // The same memory for a million episodes of one task.
        if spans.count == 1, tasks == [spans[0].text] { return }
        var texts: [String] = []
        for text in spans.map(\.text) where !texts.contains(text) { texts.append(text) }
        tasks = texts
        changingTasks = texts.count > 1 ? spans : []
    }
}
