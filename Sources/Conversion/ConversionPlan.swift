import DataCore
import Datasets

/// What a conversion takes from a dataset, and how the new one has it.
struct ConversionPlan: Sendable {
    let dataset: any RobotDataset
    let options: ConversionOptions
    let episodes: [RobotEpisode]
    let columns: [StoredColumn]
    let cameras: [ConvertedCamera]
    let extras: ConversionExtras
    /// A line for each column that has no form in the new dataset.
    let leftOut: [String]
    let readers: SharedReaders

    /// Columns that are made anew.
    private static let counters: Set = ["timestamp", "frame_index", "episode_index", "index", "task_index"]

    /// - Throws: `ConversionError.unknownColumn`, `.invalidOption`; `DataError`, `ParquetError` for files that must be looked
    ///   at.
    init(_ dataset: any RobotDataset, _ options: ConversionOptions) throws {
        (self.dataset, self.options) = (dataset, options)
        readers = SharedReaders(checksDamage: true)
        episodes = (0..<dataset.episodeCount).map { dataset.episode($0) }
        let pictures = Set(dataset.cameras.map(\.key))
        let found = dataset.columns.filter { !pictures.contains($0.name) && !Self.counters.contains($0.name) }
        let kept = try ColumnSelection(
            dropping: options.dropped, from: found.map(\.name), cameras: dataset.cameras, dataset: dataset.name)
        var (columns, leftOut): ([StoredColumn], [String]) = ([], [])
        for column in found where kept.features.contains(column.name) {
            switch try dataset.stored(column, in: options.format) {
            case .success(let stored): columns.append(stored)
            case .failure(let why): leftOut.append("\(column.name): \(why.reason)")
            }
        }
        (self.columns, self.leftOut) = (columns, leftOut)
        extras = try dataset.extras(in: options.format)
        cameras = try Self.cameras(kept.cameras, of: dataset, options, readers)
        let keys = cameras.map(\.key) + columns.map(\.feature)
        if let twice = keys.first(where: { key in keys.count { $0 == key } > 1 }) {
            throw ConversionError.invalidOption(name: "cameras", expected: "distinct names", got: "\(twice) twice")
        }
    }

    var totalFrames: Int { episodes.reduce(0) { $0 + $1.length } }

    /// The cameras to keep, with their new names.
    private static func cameras(
        _ cameras: [Camera], of dataset: any RobotDataset, _ options: ConversionOptions, _ readers: SharedReaders
    ) throws -> [ConvertedCamera] {
        guard options.format != .v20 else {
            throw ConversionError.invalidOption(name: "format", expected: "v2.1 or v3.0", got: options.format.rawValue)
        }
        func converted(_ camera: Camera, _ key: String) -> ConvertedCamera {
            ConvertedCamera(source: camera, key: key, kept: dataset.keptPictures(of: camera, from: readers))
        }
        guard !options.cameras.isEmpty else { return cameras.map { converted($0, $0.key) } }
        return try options.cameras.map { name, new in
            guard let camera = cameras.first(where: { $0.isNamed(name) }) else {
                throw DataError.unknownCamera(dataset: dataset.name, camera: name, cameras: cameras.map(\.key))
            }
            let key = new.map { $0.contains(".") ? $0 : Camera.prefix + $0 } ?? camera.key
            guard !key.isEmpty, !key.contains("/"), !key.contains("\0"), !key.hasPrefix("."), !key.contains("{") else {
                throw ConversionError.invalidOption(name: "cameras", expected: "a name without /", got: key)
            }
            return converted(camera, key)
        }
    }
}

/// A camera, the name that it gets, and how its pictures are stored in the new dataset.
struct ConvertedCamera: Sendable {
    let source: Camera
    let key: String
    /// Pictures that stay as they are, bit for bit; nil for those that are encoded as videos, or taken over where they are
    /// such already.
    let kept: KeptPictures?

    /// Whether its pictures are in videos of the new dataset.
    var isVideo: Bool { kept.map { $0.camera.kind == .video } ?? true }
}
