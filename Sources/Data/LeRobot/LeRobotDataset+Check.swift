import Formats
import Foundation

/// Checks that need more than the files of `meta`.
extension LeRobotDataset {
    /// Compares the rows of every data file with the lengths of its episodes; reads footers only.
    ///
    /// - Throws: `DataError.missingFile`, `.lfsPointer`, `.episodeLengthMismatch`, `.countMismatch`; `ParquetError`.
    func requireMatchingDataFiles() throws {
        for (path, group) in try episodesByDataFile() {
            let table = try openDataFile(path)
            let declared = group.reduce(0) { $0 + $1.length }
            guard table.rowCount != declared else { continue }
            // The file is wrong as a whole; find out which episode it is.
            let found = group.count > 1 ? try rowsPerEpisode(table) : [group[0].episodeIndex: table.rowCount]
            if let episode = group.first(where: { found[$0.episodeIndex, default: 0] != $0.length }) {
                throw DataError.episodeLengthMismatch(
                    dataset: name, episode: episode.episodeIndex, declared: episode.length,
                    declaredIn: info.codebaseVersion == .v30 ? "meta/episodes" : "meta/episodes.jsonl",
                    found: found[episode.episodeIndex, default: 0], foundIn: path)
            }
            throw DataError.countMismatch(
                dataset: name, what: "rows of \(path)", first: declared, firstSource: "meta/episodes",
                second: table.rowCount, secondSource: "the file")
        }
    }

    /// Checks that all videos of a camera are there, or at least on the hub, without opening them; nothing to do for
    /// image cameras.
    ///
    /// - Throws: `DataError.missingVideo` for the first episode without its video, `.lfsPointer`, `.emptyFile`.
    public func requireVideoFiles(camera: Camera) throws {
        guard camera.kind == .video else { return }
        var seen: Set<String> = []
        for episode in episodes {
            let path = try videoFile(of: episode, camera: camera)
            guard seen.insert(path).inserted else { continue }
            if let files {
                try files.require(String(path.dropFirst(root.count + 1)))
            } else {
                try VideoFrameSource.requireVideo(path, dataset: self, camera: camera, episode: episode)
            }
        }
    }

    /// Opens every video of a camera and compares the frames that its header promises with the episodes' lengths.
    ///
    /// - Throws: what `requireVideoFiles` does; `DataError.unreadableVideo`, `.countMismatch` for a video that is
    ///   too short.
    func requireVideoFrames(camera: Camera) throws {
        try requireVideoFiles(camera: camera)
        var seen: Set<String> = []
        for episode in episodes {
            let path = try videoFile(of: episode, camera: camera)
            guard seen.insert(path).inserted else { continue }
            let needed = video(of: episode, camera: camera).framesInFile
            guard let declared = try VideoContainer(path: path).declaredFrames, declared < needed else { continue }
            throw DataError.countMismatch(
                dataset: name, what: "frames of camera \(camera.key), from episode \(episode.episodeIndex)",
                first: needed,
                firstSource: "meta (the episodes' lengths)", second: declared, secondSource: path)
        }
    }

    /// Reads `episode_index`, `frame_index` and `index` of every row and compares them with the episode table.
    ///
    /// - Throws: `DataError.invalidField` naming file and row; `ParquetError`.
    public func verifyRows() throws {
        for (path, group) in try episodesByDataFile() {
            let table = try openDataFile(path)
            for column in ["episode_index", "frame_index", "index"] {
                let values = try table.int64s(column)
                for episode in group {
                    guard episode.rows.upperBound <= values.count else {
                        throw DataError.invalidField(
                            path: path, line: nil, field: "rows", expected: "at least \(episode.rows.upperBound)",
                            got: "\(values.count)")
                    }
                    for (frame, row) in episode.rows.enumerated() {
                        let expected =
                            switch column {
                            case "episode_index": episode.episodeIndex
                            case "frame_index": frame
                            default: episode.globalFrames.lowerBound + frame
                            }
                        guard values[row] == expected else {
                            throw DataError.invalidField(
                                path: path, line: nil, field: "\(column) of row \(row)", expected: "\(expected)",
                                got: "\(values[row])")
                        }
                    }
                }
            }
        }
    }

    /// The files that say which picture a frame of a camera is, and those that hold the pictures, by their paths below
    /// the root: `meta/info.json`, the table of episodes, and videos or data files.
    ///
    /// Of a dataset on a hub, one entry that names repository and commit and has no path.
    func contentFiles(camera: Camera) throws -> [(name: String, path: String)] {
        if let files { return [(files.identity, "")] }
        let meta = (FileManager.default.enumerator(atPath: "\(root)/meta")?.compactMap { $0 as? String } ?? [])
            .filter {
                $0 == "info.json" || $0 == "episodes.jsonl" || $0.hasPrefix("episodes/") && $0.hasSuffix(".parquet")
            }
            .map { "\(root)/meta/\($0)" }
        let pictures = try episodes.map { episode in
            try camera.kind == .video ? videoFile(of: episode, camera: camera) : dataFile(of: episode)
        }
        return Set(meta + pictures).sorted().map { (String($0.dropFirst(root.count + 1)), $0) }
    }

    /// Episodes that share a data file, in the order in which the files first occur.
    private func episodesByDataFile() throws -> [(path: String, episodes: [Episode])] {
        var order: [FileNumber] = []
        var groups: [FileNumber: [Episode]] = [:]
        for episode in episodes {
            if groups[episode.dataFile] == nil { order.append(episode.dataFile) }
            groups[episode.dataFile, default: []].append(episode)
        }
        return try order.map { file in
            let group = groups[file] ?? []
            return (try dataFile(of: group[0]), group)
        }
    }

    private func openDataFile(_ path: String) throws -> ParquetFile {
        let lease = try hold(path)
        defer { withExtendedLifetime(lease) {} }
        try MetadataFile.requireContent(path: path, purpose: "rows of dataset \(name)")
        return try ParquetFile(path: path)
    }

    private func rowsPerEpisode(_ table: ParquetFile) throws -> [Int: Int] {
        try table.int64s("episode_index").reduce(into: [:]) { $0[Int($1), default: 0] += 1 }
    }
}
