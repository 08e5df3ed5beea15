import DataCore
import Datasets
import Formats
import Foundation
import Parquet

/// A copy of a LeRobot dataset (v2.0, v2.1, v3.0) with more columns.
///
/// Data files get the columns behind their own, whose bytes stay; `meta` gets features and statistics; all other files
/// are the original's, as further names of the same bytes where the disk allows it.
package struct DatasetExtension {
    let dataset: LeRobotDataset
    let columns: [StoredColumn]
    let tree: DatasetTree

    /// Files done and files to do.
    package typealias Progress = (_ done: Int, _ total: Int) -> Void

    /// - Parameter columns: of names that the dataset has no feature of.
    package init(_ dataset: LeRobotDataset, columns: [StoredColumn]) {
        for column in columns {
            precondition(dataset.info.feature(column.feature) == nil, "a second \(column.feature) in \(dataset.name)")
        }
        (self.dataset, self.columns) = (dataset, columns)
        tree = DatasetTree(dataset: dataset)
    }

    /// Writes the copy.
    ///
    /// - Parameters:
    ///   - folder: grows while this runs; an interrupted copy is incomplete.
    ///   - values: of an episode, by its position in the dataset's list: for each column, a value per frame.
    /// - Throws: what `values` throws; `DataError`, `ConversionError`, `ParquetError`, `FormatError`.
    package func write(
        to folder: String, values: (_ episode: Int) throws -> [[ParquetValue]], progress: Progress = { _, _ in }
    ) throws {
        var episodesOf: [String: [Int]] = [:]
        for (place, episode) in dataset.episodes.enumerated() {
            for file in episode.rows.files {
                episodesOf[tree.relative(try dataset.dataFile(file)), default: []].append(place)
            }
        }
        let names = try tree.names()
        // Their names begin with a dot, or they came and went.
        if let missing = Set(episodesOf.keys).subtracting(names).min() {
            throw DataError.missingFile(path: "\(dataset.root)/\(missing)", purpose: "rows of dataset \(dataset.name)")
        }
        // Statistics need all values, so what holds them comes last.
        let isMetadata: (String) -> Bool = { $0.hasPrefix("meta/") }
        var statistics: [[ColumnStatistics?]] = Array(repeating: [], count: dataset.episodes.count)
        let ordered = names.filter { !isMetadata($0) } + names.filter(isMetadata)
        for (done, name) in ordered.enumerated() {
            progress(done, ordered.count)
            if let episodes = episodesOf[name] {
                let own = try extend(name, episodes: episodes, values: values, to: folder)
                for (episode, own) in zip(episodes, own) { statistics[episode] = own }
            } else if try !extendMetadata(name, statistics: statistics, to: folder) {
                try tree.place(name, in: folder)
            }
        }
        progress(ordered.count, ordered.count)
    }

    /// Writes a data file and returns the statistics of its episodes, by column.
    private func extend(
        _ name: String, episodes: [Int], values: (Int) throws -> [[ParquetValue]], to folder: String
    ) throws -> [[ColumnStatistics?]] {
        let path = "\(dataset.root)/\(name)"
        let lease = try dataset.hold(path)
        defer { withExtendedLifetime(lease) {} }
        try MetadataFile.requireContent(path: path, purpose: "rows of dataset \(dataset.name)")
        let table = try ParquetFile(path: path)
        let scan = dataset.rowsAreChecked ? nil : try DataFileScan(table, fps: dataset.fps, readsTasks: false)
        // Rows of no episode have no value.
        var all = [[ParquetValue]](
            repeating: [ParquetValue](repeating: .null, count: table.rowCount), count: columns.count)
        var statistics: [[ColumnStatistics?]] = []
        for episode in episodes {
            let record = dataset.episodes[episode]
            let rows = try scan.map { try dataset.rows(of: record, in: $0, record.dataFile) } ?? record.rows
            let parts =
                try rows.files.first { "\(dataset.root)/\(name)" == (try dataset.dataFile($0)) }.map(rows.parts) ?? []
            guard parts.allSatisfy({ $0.rows.upperBound <= table.rowCount }) else {
                throw DataError.episodeLengthMismatch(
                    dataset: dataset.name, episode: record.episodeIndex, declared: record.length, declaredIn: "meta",
                    found: table.rowCount, foundIn: path)
            }
            let own = try values(episode)
            precondition(
                own.count == columns.count && own.allSatisfy { $0.count == record.length },
                "\(own.map(\.count)) values of \(columns.count) columns in \(record.length) frames")
            for (frames, rows) in parts {
                for column in own.indices { all[column].replaceSubrange(rows, with: own[column][frames]) }
            }
            statistics.append(own.map { ColumnStatistics($0) })
        }
        try write(
            zip(columns, all).map { ParquetColumn($0.feature, $0.type, $1) },
            huggingFace: columns.map { ($0.feature, $0.huggingFace) }, addedTo: table, as: name, in: folder)
        return statistics
    }

    /// Writes a table with more columns into the copy.
    ///
    /// - Parameter huggingFace: the columns' types in the metadata of Hugging Face's `datasets`, if the table has them.
    func write(
        _ columns: [ParquetColumn], huggingFace: [(String, JSON)], addedTo table: ParquetFile, as name: String,
        in folder: String
    ) throws {
        var metadata: [(key: String, value: String)] = []
        if let text = table.keyValueMetadata["huggingface"], let json = try? JSON.parse(text.utf8, path: table.path),
            case .object(let features)? = json["info"]?["features"]
        {
            let extended = json.replacing(
                "info", json["info"]?.replacing("features", .object(features + huggingFace.map { ($0, $1) })) ?? .null)
            metadata.append(("huggingface", extended.text()))
        }
        try Folder.create(for: "\(folder)/\(name)")
        try table.write(adding: columns, to: "\(folder)/\(name)", keyValueMetadata: metadata)
    }
}

extension JSON {
    /// An object with the value of a key set, in its place or behind the others.
    func replacing(_ key: String, _ value: JSON) -> JSON {
        guard case .object(var members) = self else { return self }
        if let place = members.lastIndex(where: { $0.key == key }) {
            members[place].value = value
        } else {
            members.append((key, value))
        }
        return .object(members)
    }
}
