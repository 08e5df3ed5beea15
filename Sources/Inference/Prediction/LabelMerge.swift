import Conversion
import Formats
import Foundation
import LAM
import LAMData
import LAMTrain
import Parquet

/// Copies of LeRobot datasets that have latent actions as a feature.
///
/// They grow in `DEST.partial`, of which `DEST` is made once all are complete. An interrupted merge leaves that folder, and
/// the next one begins anew: the labels are in files of their own, so little is lost.
struct LabelMerge {
    /// A dataset, and the folders of labels that it gets.
    struct Part {
        let dataset: LeRobotDataset
        /// By the end of the feature's name: empty, or `.camera`; with the episodes that have pictures to label.
        var labels: [(suffix: String, folder: LabelFolder, episodes: Set<Int>)]
    }

    /// How large labels are.
    struct Sizes {
        let perPair: Int
        /// Numbers in the vectors of a pair.
        let vectorWidth: Int
        /// Sizes of the codebook and of the frozen one; 0 where there is none.
        let codes: Int
        let uncontrolledCodes: Int

        /// - Parameter parts: the kinds of latents of the model.
        init(_ parts: [LatentPart]) {
            (perPair, vectorWidth) = (parts[0].perPair, parts[0].width)
            codes = parts[0].bottleneck.codeCount ?? 0
            uncontrolledCodes = parts.dropFirst().first?.bottleneck.codeCount ?? 0
        }
    }

    static let feature = "latent_action"
    static let uncontrolledFeature = "latent_action_uncontrolled"
    /// Vectors, and whether a frame has one: where no pair begins they are zeros.
    static let vectorFeature = "latent_embedding"
    static let validFeature = "latent_embedding_valid"
    /// In place of each code, in frames that start no pair.
    static let noCode: Int64 = -1

    var destination: String { staged.destination }
    private let staged: StagedFolder
    private let parts: [Part]
    private let columns: LabelColumns
    private let sizes: Sizes
    /// LeRobot's version of the copies; nil for that of each source.
    private let version: DatasetInfo.Version?

    /// - Parameters:
    ///   - columns: what the files of labels hold.
    /// - Throws: `PredictionError` for what is in the way.
    init(
        to destination: String, parts: [Part], columns: LabelColumns, sizes: Sizes,
        version: DatasetInfo.Version? = nil
    ) throws {
        let place = URL(fileURLWithPath: destination).standardizedFileURL.resolvingSymlinksInPath().path
        staged = StagedFolder(place, state: Self.state)
        (self.parts, self.columns, self.sizes, self.version) = (parts, columns, sizes, version)
        guard staged.isFree else { throw PredictionError.destinationExists(path: destination) }
        guard !staged.isForeign else { throw PredictionError.foreignPartial(path: staged.partial) }
        for part in parts {
            let root = URL(fileURLWithPath: part.dataset.root).standardizedFileURL.resolvingSymlinksInPath().path
            guard !Folder.contains(root, place) else {
                throw PredictionError.destinationInside(path: destination, dataset: root)
            }
            for column in features(of: part).map(\.name) where part.dataset.info.feature(column) != nil {
                throw PredictionError.featureExists(
                    dataset: part.dataset.name, root: part.dataset.root, feature: column)
            }
        }
    }

    /// The end of the names of a camera's features.
    static func suffix(camera: String) -> String {
        "." + (camera.hasPrefix(Camera.prefix) ? String(camera.dropFirst(Camera.prefix.count)) : camera)
    }

    /// Says that an unfinished folder is a merge's.
    private static let state = ".lam-merge"

    /// All that the copies depend on.
    private var facts: [String: String] {
        var facts: [String: String] = [
            "columns": "\(columns)", "sizes": "\(sizes)", "version": version?.rawValue ?? "",
        ]
        for (place, part) in parts.enumerated() {
            facts["dataset \(place)"] = "\(part.dataset.name) \(part.dataset.root)"
            facts["labels \(place)"] = part.labels.map { "\($0.suffix) \($0.folder.path)" }.joined(separator: "\n")
        }
        return facts
    }

    private func features(of part: Part) -> [(name: String, dtype: String, length: Int)] {
        part.labels.flatMap { label in
            var features: [(name: String, dtype: String, length: Int)] = []
            if columns.codes { features.append((Self.feature, "int64", sizes.perPair)) }
            if columns.uncontrolled { features.append((Self.uncontrolledFeature, "int64", sizes.perPair)) }
            if columns.embeddings {
                features += [(Self.vectorFeature, "float32", sizes.vectorWidth), (Self.validFeature, "bool", 1)]
            }
            return features.map { ($0.name + label.suffix, $0.dtype, $0.length) }
        }
    }

    /// Writes the copies.
    ///
    /// - Throws: `PredictionError`; `DataError`, `ParquetError`, `ConversionError`, `FormatError`.
    func run(progress: (String) -> Void) throws {
        guard try staged.begin(facts, continues: false) == .open else { return }
        defer { staged.giveUp() }
        for part in parts {
            let stored = features(of: part).compactMap {
                StoredColumn(feature: $0.name, dtype: $0.dtype, shape: [$0.length])
            }
            let folder = LabelFolder.folder(of: part.dataset.name, below: staged.dataset)
            let isOther = version.map { $0 != part.dataset.info.codebaseVersion } ?? false
            let first = isOther ? "\(staged.partial)/.source" : folder
            try DatasetExtension(part.dataset, columns: stored).write(
                to: first, values: { try values(of: part, episode: $0) },
                progress: { progress("\(part.dataset.name): \($0) of \($1) files merged") })
            if isOther, let version {
                try convert(first, named: part.dataset.name, to: folder, version, progress: progress)
            }
        }
        try staged.end()
    }

    /// Writes a copy in another version, and removes it.
    private func convert(
        _ copy: String, named name: String, to folder: String, _ version: DatasetInfo.Version,
        progress: (String) -> Void
    ) throws {
        progress("\(name): writing LeRobot \(version.rawValue)")
        var options = ConversionOptions()
        options.format = version
        try Folder.create(for: folder)
        _ = try DatasetConversion(LeRobotDataset(root: copy, name: name), to: folder, options).run()
        try FileManager.default.removeItem(atPath: copy)
    }

    /// A value for each feature and frame of an episode.
    private func values(of part: Part, episode: Int) throws -> [[ParquetValue]] {
        let record = part.dataset.episodes[episode]
        return try part.labels.flatMap { label in
            let path = label.folder.file(episode: record.episodeIndex)
            let isLabelled = label.episodes.contains(record.episodeIndex)
            let rows = isLabelled ? try rows(label.folder, episode: record.episodeIndex) : []
            if let row = rows.first(where: { $0.frame >= record.length }) {
                throw PredictionError.unreadableLabels(
                    path: path, expected: "frames of \(record.length)", got: "frame \(row.frame)")
            }
            /// A value of each frame.
            func column(
                _ missing: ParquetValue, _ value: (EpisodeLabels.Row) throws -> ParquetValue
            ) rethrows -> [ParquetValue] {
                var values = [ParquetValue](repeating: missing, count: record.length)
                for row in rows { values[row.frame] = try value(row) }
                return values
            }
            var result: [[ParquetValue]] = []
            let none = stored([ParquetValue](repeating: .int(Self.noCode), count: sizes.perPair))
            if columns.codes {
                result.append(try column(none) { try value($0.codes ?? [], of: sizes.codes, path: path) })
            }
            if columns.uncontrolled {
                result.append(
                    try column(none) { try value($0.uncontrolled ?? [], of: sizes.uncontrolledCodes, path: path) })
            }
            if columns.embeddings {
                let zeros = stored([ParquetValue](repeating: .float(0), count: sizes.vectorWidth))
                result.append(try column(zeros) { try vector($0.embeddings ?? [], path: path) })
                result.append(column(.bool(false)) { _ in .bool(true) })
            }
            return result
        }
    }

    /// A feature of one entry is no list.
    private func stored(_ values: [ParquetValue]) -> ParquetValue { values.count == 1 ? values[0] : .list(values) }

    private func vector(_ rows: [[Float]], path: String) throws -> ParquetValue {
        let values = rows.flatMap { $0 }
        guard values.count == sizes.vectorWidth, values.allSatisfy(\.isFinite) else {
            throw PredictionError.unreadableLabels(
                path: path, expected: "\(sizes.vectorWidth) finite numbers", got: "\(values.count) numbers")
        }
        return stored(values.map { .float($0) })
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
        guard codes.count == sizes.perPair, codes.allSatisfy({ (0..<codeCount).contains(Int($0)) }) else {
            throw PredictionError.unreadableLabels(
                path: path, expected: "\(sizes.perPair) codes of \(codeCount)", got: "\(codes.prefix(8))")
        }
        return stored(codes.map { .int(Int64($0)) })
    }
}
