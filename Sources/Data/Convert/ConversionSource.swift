import Formats

/// A dataset that can be written as a LeRobot dataset.
protocol ConversionSource {
    var name: String { get }
    var fps: Double { get }
    var robotType: String? { get }
    var columns: [ConvertedColumn] { get }
    var cameras: [Camera] { get }
    var episodes: [ConvertedEpisode] { get }
    /// The files that all this comes from; their sizes and times tell one source from another.
    var contentFiles: [(name: String, path: String)] { get throws }
    /// How pictures are turned.
    var orientation: FrameOrientation { get }

    /// Values of all columns of an episode, by column and frame.
    func values(episode: Int) throws -> [[ParquetValue]]
    /// The instruction of each frame; nil where it is the episode's first one throughout.
    func tasks(episode: Int) throws -> [String]?
    func frames(_ camera: Camera) throws -> any FrameProvider
    /// Whether videos of this camera can be taken as they are.
    func video(episode: Int, camera: Camera) throws -> String?
}

/// A feature that is stored as a column.
struct ConvertedColumn {
    let feature: String
    let dtype: String
    /// Of one frame's value, as `info.json` has it.
    let shape: [Int]
    let names: JSON
    let type: ParquetType

    /// - Returns: nil for a dtype that has no form in a column.
    init?(feature: String, dtype: String, shape: [Int], names: JSON = .null) {
        guard var type = ParquetType(dtype: dtype), shape.count <= 2 else { return nil }
        let shape = shape.isEmpty ? [1] : shape
        if shape != [1] { for _ in shape { type = .list(type) } }
        (self.feature, self.dtype, self.shape, self.names, self.type) = (feature, dtype, shape, names, type)
    }
}

struct ConvertedEpisode {
    let length: Int
    let tasks: [String]
}

extension ParquetType {
    /// By the name that LeRobot's `features` use.
    init?(dtype: String) {
        switch dtype {
        case "bool": self = .bool
        case "float32": self = .float
        case "float64": self = .double
        case "string": self = .string
        case "int8", "int16", "int32", "int64":
            guard let bits = Int(dtype.dropFirst(3)) else { return nil }
            self = .integer(bits: bits, isSigned: true)
        case "uint8", "uint16", "uint32", "uint64":
            guard let bits = Int(dtype.dropFirst(4)) else { return nil }
            self = .integer(bits: bits, isSigned: false)
        default: return nil
        }
    }

    /// Whether a value can be written as this type.
    func accepts(_ value: ParquetValue) -> Bool {
        switch (self, value) {
        case (_, .null), (.bool, .bool), (.float, .float), (.double, .double), (.string, .string), (.bytes, .bytes):
            true
        case (.integer(let bits, let isSigned), .int(let value)):
            isSigned
                ? bits == 64 || (-(1 << (bits - 1))..<1 << (bits - 1)).contains(value)
                : value >= 0 && (bits == 64 || value < 1 << bits)
        case (.integer(64, false), .unsigned): true
        case (.list(let element), .list(let values)): values.allSatisfy { element.accepts($0) }
        case (.structure(let fields), .structure):
            fields.allSatisfy { field in value[field.name].map { field.type.accepts($0) } ?? true }
        default: false
        }
    }
}

/// An HDF5 dataset as a source.
struct HDF5ConversionSource: ConversionSource {
    let dataset: HDF5Dataset
    let columns: [ConvertedColumn]
    private let pool = ReaderPool(maximumOpenFiles: 4)

    init(_ dataset: HDF5Dataset) {
        self.dataset = dataset
        columns = dataset.columns.compactMap {
            ConvertedColumn(feature: $0.feature, dtype: $0.type.dtype ?? "", shape: $0.shape)
        }
    }

    var name: String { dataset.name }
    var fps: Double { dataset.fps }
    var robotType: String? { dataset.layout == .aloha ? "aloha" : nil }
    var cameras: [Camera] { dataset.cameras }
    var episodes: [ConvertedEpisode] {
        dataset.episodes.map { ConvertedEpisode(length: $0.length, tasks: [$0.task]) }
    }
    var contentFiles: [(name: String, path: String)] { dataset.files.map { ($0, $0) } }
    var orientation: FrameOrientation { dataset.orientation }

    func values(episode: Int) throws -> [[ParquetValue]] {
        try dataset.columns.map { column in
            let values = try dataset.values(of: column, episode: episode, pool: pool)
            // A single number in a list is stored as the number, as `shape` [1] says.
            guard column.shape == [1] else { return values }
            return values.map { if case .list(let list) = $0 { list[0] } else { $0 } }
        }
    }

    func tasks(episode: Int) throws -> [String]? { nil }

    func frames(_ camera: Camera) throws -> any FrameProvider {
        try HDF5FrameReader(dataset: dataset, camera: camera, pool: pool)
    }

    func video(episode: Int, camera: Camera) throws -> String? { nil }
}
