import DataCore
import Formats
import Foundation

/// Finds the rows of each episode: those whose `episode_index` is the episode's, in the order of `frame_index`. Where
/// `meta` says that they lie is a guess that is checked: converters have written the places of other episodes, ranges that
/// overlap, and the file before the right one.
struct RowPlacement {
    /// What was found, beside the episodes.
    struct Findings {
        var notes: [String] = []
        /// Largest distance in seconds between `timestamp` and the frame's number over the rate, by `episode_index`, where
        /// it is half a frame or more.
        var strayTimes: [Int: Double] = [:]
        var taskFault: DataError?
    }

    private typealias Place = (file: FileNumber, run: DataFileScan.Run)

    private let dataset: LeRobotDataset
    private let readsTasks: Bool
    private var scans: [FileNumber: DataFileScan] = [:]
    /// Why a file that episodes are said to lie in cannot be read.
    private var missing: [FileNumber: DataError] = [:]
    private let positions: [Int: Int]
    /// Episodes of which a run is all that was expected, with the run's times.
    private var exact: [Int: DataFileScan.Run] = [:]
    /// All other runs, by `episode_index`.
    private var odd: [Int: [Place]] = [:]
    private var findings = Findings()
    private var strays: [(episode: Int, seconds: Double)] = []
    private var moved: [Int] = []
    private var movedToOtherFiles = 0
    private var startingLater: [Int] = []

    private init(_ dataset: LeRobotDataset, readsTasks: Bool) {
        self.dataset = dataset
        self.readsTasks = readsTasks
        positions = Dictionary(
            dataset.episodes.enumerated().map { ($1.episodeIndex, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// - Returns: the dataset's episodes with the places of their rows, and with their tasks by frame.
    /// - Throws: `DataError`, `ParquetError` where rows are missing, there are too many, or their frames are not in order.
    static func place(
        _ dataset: LeRobotDataset, readsTasks: Bool
    ) throws -> (episodes: [Episode], findings: Findings) {
        var placement = RowPlacement(dataset, readsTasks: readsTasks)
        try placement.scanExpectedFiles()
        var lacking = placement.lackingEpisodes()
        if !lacking.isEmpty {
            try placement.scanOtherFiles()
            lacking = placement.lackingEpisodes()
        }
        let absent = Set(lacking.filter { placement.wasNeverCopied(dataset.episodes[$0]) })
        if let position = lacking.first(where: { !absent.contains($0) })
            ?? (placement.scans.isEmpty ? lacking.first : nil)
        {
            throw placement.lack(of: dataset.episodes[position])
        }
        placement.note(absent)
        let present = dataset.episodes.indices.filter { !absent.contains($0) }
        let episodes = try present.map { try placement.placed(dataset.episodes[$0]) }
        placement.tell()
        return (episodes, placement.findings)
    }

    // MARK: Reading

    private mutating func scanExpectedFiles() throws {
        var seen: Set<FileNumber> = []
        try scan(dataset.episodes.map(\.dataFile).filter { seen.insert($0).inserted })
    }

    /// Data files that no episode is said to lie in.
    private mutating func scanOtherFiles() throws {
        let known = Set(scans.keys).union(missing.keys)
        try scan(dataset.storedDataFiles().filter { !known.contains($0) })
    }

    private mutating func scan(_ files: [FileNumber]) throws {
        let (dataset, readsTasks) = (dataset, readsTasks)
        let threads = min(8, ProcessInfo.processInfo.activeProcessorCount)
        let results = try concurrentMap(files, threads: threads) { file -> Result<DataFileScan, DataError> in
            do {
                return .success(try dataset.scan(file, readsTasks: readsTasks))
            } catch let error as DataError {
                if case .missingFile = error { return .failure(error) }
                throw error
            }
        }
        for (file, result) in zip(files, results) {
            switch result {
            case .failure(let error): missing[file] = error
            case .success(let scan):
                scans[file] = scan
                findings.taskFault = findings.taskFault ?? scan.taskFault
                for run in scan.runs ?? [] { add(run, file) }
            }
        }
    }

    private mutating func add(_ run: DataFileScan.Run, _ file: FileNumber) {
        if let position = positions[run.episode], exact[run.episode] == nil, run.frame == 0 {
            let expected = dataset.episodes[position].rows.first
            if expected.file == file, expected.rows == run.rows {
                exact[run.episode] = run
                return
            }
        }
        odd[run.episode, default: []].append((file, run))
    }

    // MARK: Placing

    /// Rows of an episode that were found.
    private func rowsFound(_ episode: Episode) -> Int {
        (odd[episode.episodeIndex] ?? []).reduce(exact[episode.episodeIndex]?.rows.count ?? 0) {
            $0 + $1.run.rows.count
        }
    }

    /// Whether the file that should hold an episode has no column that says so.
    private func isUnnumbered(_ episode: Episode) -> Bool {
        guard let scan = scans[episode.dataFile] else { return false }
        return scan.runs == nil
    }

    private func lackingEpisodes() -> [Int] {
        dataset.episodes.indices.filter {
            let episode = dataset.episodes[$0]
            return !isUnnumbered(episode) && rowsFound(episode) < episode.length
        }
    }

    /// Whether an episode is one that was left on the hub, as LeRobot's `episodes=[…]` leaves it there: nothing that is its
    /// own is on this disk. A lost table of rows is another matter.
    private func wasNeverCopied(_ episode: Episode) -> Bool {
        guard missing[episode.dataFile] != nil, rowsFound(episode) == 0 else { return false }
        guard dataset.info.codebaseVersion != .v30 else { return true }
        return !dataset.cameras.contains { camera in
            guard camera.kind == .video, let path = try? dataset.videoFile(of: episode, camera: camera) else {
                return false
            }
            return FileManager.default.fileExists(atPath: path)
        }
    }

    private mutating func note(_ absent: Set<Int>) {
        guard let first = absent.min() else { return }
        findings.notes.append(
            "\(absent.count) of \(dataset.episodes.count) episodes (first: \(dataset.episodes[first].episodeIndex)) are not "
                + "on this disk, neither rows nor videos; the others are taken")
    }

    private func lack(of episode: Episode) -> DataError {
        missing[episode.dataFile] ?? mismatch(episode, found: rowsFound(episode))
    }

    private func mismatch(_ episode: Episode, found: Int) -> DataError {
        let path = (try? dataset.dataFile(episode.dataFile)) ?? dataset.root
        return .episodeLengthMismatch(
            dataset: dataset.name, episode: episode.episodeIndex, declared: episode.length,
            declaredIn: dataset.info.codebaseVersion == .v30 ? "meta/episodes" : "meta/episodes.jsonl", found: found,
            foundIn: path)
    }

    private mutating func placed(_ episode: Episode) throws -> Episode {
        var episode = episode
        if isUnnumbered(episode) {
            try requireRoom(for: episode)
        } else {
            let found = rowsFound(episode)
            guard found == episode.length else { throw mismatch(episode, found: found) }
            if let run = exact[episode.episodeIndex] {
                measure(episode, [(episode.dataFile, run)], first: 0)
            } else {
                let places = try ordered(episode)
                measure(episode, places, first: places[0].run.frame)
                let rows = EpisodeRows(places.map { EpisodeRows.Run(file: $0.file, rows: $0.run.rows) })
                if rows != episode.rows { note(episode, movedTo: rows) }
                if places[0].run.frame != 0 { startingLater.append(episode.episodeIndex) }
                episode.rows = rows
            }
        }
        guard readsTasks else { return episode }
        do {
            episode.setTasks(try dataset.taskSpans(episode.rows, scans))
        } catch let fault as DataError {
            findings.taskFault = findings.taskFault ?? fault
        }
        return episode
    }

    /// The runs of an episode by frame; each frame has one row.
    private func ordered(_ episode: Episode) throws -> [Place] {
        let places = (odd[episode.episodeIndex] ?? []).sorted { $0.run.frame < $1.run.frame }
        for (place, next) in zip(places, places.dropFirst())
        where next.run.frame != place.run.frame + place.run.rows.count {
            throw DataError.invalidField(
                path: scans[next.file]?.path ?? dataset.root, line: nil,
                field: "frame_index of row \(next.run.rows.lowerBound)",
                expected:
                    "\(place.run.frame + place.run.rows.count), the next frame of episode \(episode.episodeIndex)",
                got: "\(next.run.frame)")
        }
        return places
    }

    /// Rows that do not say whose they are follow each other as the episodes do.
    private func requireRoom(for episode: Episode) throws {
        guard let scan = scans[episode.dataFile] else { throw lack(of: episode) }
        let rows = dataset.info.codebaseVersion == .v30 ? episode.rows.first.rows : 0..<episode.length
        let isFilled = dataset.info.codebaseVersion == .v30 || scan.rowCount == episode.length
        guard rows.upperBound <= scan.rowCount, isFilled else {
            throw mismatch(episode, found: dataset.info.codebaseVersion == .v30 ? 0 : scan.rowCount)
        }
    }

    private mutating func note(_ episode: Episode, movedTo rows: EpisodeRows) {
        moved.append(episode.episodeIndex)
        if rows.files != [episode.dataFile] { movedToOtherFiles += 1 }
    }

    private mutating func measure(_ episode: Episode, _ places: [Place], first: Int) {
        let stray = places.reduce(0.0) { worst, place in
            guard scans[place.file]?.hasTimes == true else { return worst }
            let start = abs(place.run.time - Double(place.run.frame - first) / dataset.fps)
            return max(worst, start.isNaN ? .infinity : start + place.run.jitter)
        }
        // The column has 24 bits: an hour into an episode its steps are a quarter of a millisecond.
        let rounding = Double(episode.length) / dataset.fps * 0x1p-23
        guard stray > VideoTimeline.lerobotTolerance + rounding else { return }
        strays.append((episode.episodeIndex, stray))
        if stray * dataset.fps >= 0.5 { findings.strayTimes[episode.episodeIndex] = stray }
    }

    // MARK: Notes

    private mutating func tell() {
        if let first = moved.min() {
            let files = movedToOtherFiles == 0 ? "" : ", of \(movedToOtherFiles) of them in another data file"
            findings.notes.append(
                "rows of \(moved.count) episodes (first: \(first)) lie elsewhere than meta says\(files); they are found by their "
                    + "episode_index")
        }
        let unknown = odd.keys.filter { positions[$0] == nil }
        if let first = unknown.min() {
            findings.notes.append(
                "data files have rows of \(unknown.count) episodes (first: \(first)) that meta does not list; they are left "
                    + "out")
        }
        if let first = startingLater.min() {
            findings.notes.append(
                "frame_index of \(startingLater.count) episodes (first: \(first)) does not begin at 0; rows are taken in its "
                    + "order")
        }
        if let worst = strays.max(by: { $0.seconds < $1.seconds }) {
            findings.notes.append(
                "timestamp of \(strays.count) episodes differs from frame_index / fps, by \(worst.seconds) s at most "
                    + "(episode \(worst.episode)); frames are counted by frame_index")
        }
        let unnumbered = scans.values.filter { $0.runs == nil }.map(\.path)
        if let path = unnumbered.min() {
            findings.notes.append(
                "\(unnumbered.count) data files have no column episode_index (first: \(path)); their rows are taken in the "
                    + "order of the episodes")
        }
    }
}
