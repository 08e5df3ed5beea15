import Formats
import Foundation
import Conversion
import LAMData
import LAMTrain
import Parquet

/// Copies of LeRobot datasets that have latent actions as a feature.
///
/// They grow in `DEST.partial`, which becomes `DEST` once all are complete. An interrupted merge leaves that folder, and
/// the next one begins anew: the labels are in files of their own, so little is lost.
struct LabelMerge {
    /// A dataset, and the folders of labels that it gets.
    struct Part {
        let dataset: LeRobotDataset
        /// By the end of the feature's name: empty, or `.camera`; with the episodes that have pictures to label.
        var labels: [(suffix: String, folder: LabelFolder, episodes: Set<Int>)]
    }

    static let feature = "latent_action"
    static let uncontrolledFeature = "latent_action_uncontrolled"
    /// In place of each code, in frames that start no pair.
    static let noCode: Int64 = -1

    /// Says that an unfinished folder is a merge's.
    private static let marker = ".lam-merge"

    let destination: String
    private let parts: [Part]
    private let columns: LabelColumns
    private let codesPerPair: Int
    private let codeCount: Int
    private let uncontrolledCodeCount: Int
    private var partial: String { destination + ".partial" }

    /// - Parameters:
    ///   - columns: what the files of labels hold.
    ///   - codeCount: size of the codebook; `uncontrolledCodeCount` of the frozen one, 0 where there is none.
    /// - Throws: `PredictionError` for what is in the way.
    init(
        to destination: String, parts: [Part], columns: LabelColumns, codesPerPair: Int, codeCount: Int,
        uncontrolledCodeCount: Int
    ) throws {
        let place = URL(fileURLWithPath: destination).standardizedFileURL.resolvingSymlinksInPath().path
        self.destination = place
        (self.parts, self.columns) = (parts, columns)
        (self.codesPerPair, self.codeCount) = (codesPerPair, codeCount)
        self.uncontrolledCodeCount = uncontrolledCodeCount
        guard !FileManager.default.fileExists(atPath: place) else {
            throw PredictionError.destinationExists(path: destination)
        }
        guard !FileManager.default.fileExists(atPath: partial) || isOwnPartial else {
            throw PredictionError.foreignPartial(path: partial)
        }
        for part in parts {
            let root = URL(fileURLWithPath: part.dataset.root).standardizedFileURL.resolvingSymlinksInPath().path
            guard !place.hasPrefix(root + "/") else {
                throw PredictionError.destinationInside(path: destination, dataset: root)
            }
            for column in features(of: part) where part.dataset.info.feature(column) != nil {
                throw PredictionError.featureExists(
                    dataset: part.dataset.name, root: part.dataset.root, feature: column)
            }
        }
    }

    /// The end of the names of a camera's features.
    static func suffix(camera: String) -> String {
        "." + (camera.hasPrefix(Camera.prefix) ? String(camera.dropFirst(Camera.prefix.count)) : camera)
    }

    private var isOwnPartial: Bool { FileManager.default.fileExists(atPath: "\(partial)/\(Self.marker)") }

    private func features(of part: Part) -> [String] {
        part.labels.flatMap { label in
            [Self.feature + label.suffix] + (columns.uncontrolled ? [Self.uncontrolledFeature + label.suffix] : [])
        }
    }

    /// Writes the copies.
    ///
    /// - Throws: `PredictionError`; `DataError`, `ParquetError`, `ConversionError`, `FormatError`.
    func run(progress: (String) -> Void) throws {
        if isOwnPartial { try FileManager.default.removeItem(atPath: partial) }
        try RunDirectory.createFolders(partial)
        try AtomicFile.write([], to: "\(partial)/\(Self.marker)")
        for part in parts {
            let stored = features(of: part).compactMap {
                StoredColumn(feature: $0, dtype: "int64", shape: [codesPerPair])
            }
            try DatasetExtension(part.dataset, columns: stored).write(
                to: LabelFolder.folder(of: part.dataset.name, below: partial),
                values: { try values(of: part, episode: $0) },
                progress: { progress("\(part.dataset.name): \($0) of \($1) files merged") })
        }
        try FileManager.default.removeItem(atPath: "\(partial)/\(Self.marker)")
        try Self.flush(partial)
        // A folder's renaming replaces an empty one only: what somebody put there meanwhile stays.
        guard rename(partial, destination) == 0 else {
            throw ConversionError.unwritable(path: destination, reason: String(cString: strerror(errno)))
        }
        try AtomicFile.syncFolder(of: destination)
    }

    /// Makes the names of linked files durable.
    private static func flush(_ folder: String) throws {
        let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        for above in Set(names.map { $0.prefix(upTo: $0.lastIndex(of: "/") ?? $0.startIndex) }) {
            try AtomicFile.syncFolder(of: above.isEmpty ? "\(folder)/file" : "\(folder)/\(above)/file")
        }
    }

    /// A value for each feature and frame of an episode.
    private func values(of part: Part, episode: Int) throws -> [[ParquetValue]] {
        let record = part.dataset.episodes[episode]
        let none = ParquetValue.list([ParquetValue](repeating: .int(Self.noCode), count: codesPerPair))
        return try part.labels.flatMap { label in
            var actions = [ParquetValue](repeating: none, count: record.length)
            var uncontrolled = actions
            let path = label.folder.file(episode: record.episodeIndex)
            let isLabelled = label.episodes.contains(record.episodeIndex)
            for row in isLabelled ? try rows(label.folder, episode: record.episodeIndex) : [] {
                guard row.frame < record.length else {
                    throw PredictionError.unreadableLabels(
                        path: path, expected: "frames of \(record.length)", got: "frame \(row.frame)")
                }
                actions[row.frame] = try value(row.codes ?? [], of: codeCount, path: path)
                guard columns.uncontrolled else { continue }
                uncontrolled[row.frame] = try value(row.uncontrolled ?? [], of: uncontrolledCodeCount, path: path)
            }
            return columns.uncontrolled ? [actions, uncontrolled] : [actions]
        }
    }

    private func rows(_ folder: LabelFolder, episode: Int) throws -> [EpisodeLabels.Row] {
        do {
            return try folder.rows(episode: episode, columns: columns)
        } catch let error as ParquetError {
            throw PredictionError.unreadableLabels(
                path: folder.file(episode: episode), expected: "a table of latent actions", got: error.description)
        }
    }

    private func value(_ codes: [Int32], of codeCount: Int, path: String) throws -> ParquetValue {
        guard codes.count == codesPerPair, codes.allSatisfy({ (0..<codeCount).contains(Int($0)) }) else {
            throw PredictionError.unreadableLabels(
                path: path, expected: "\(codesPerPair) codes of \(codeCount)", got: "\(codes.prefix(8))")
        }
        return .list(codes.map { .int(Int64($0)) })
    }
}
