import Formats
import Foundation
import LAMData
import Parquet
import TestSupport

/// A copy of a dataset of `Tests/Goldens/cases` that a test may change.
final class CaseCopy {
    private let folder: TemporaryFolder
    let root: String
    let name: String

    /// - Parameter path: below `Tests/Goldens`.
    init(_ path: String) throws {
        folder = try TemporaryFolder()
        name = String(path.split(separator: "/").last ?? "")
        root = folder.path(name)
        try FileManager.default.copyItem(atPath: Goldens.url(path).path, toPath: root)
    }

    /// The dataset itself, for reading.
    static func original(_ path: String) throws -> LeRobotDataset {
        let root = Goldens.url(path)
        return try LeRobotDataset(root: root.path, name: root.lastPathComponent)
    }

    static let episodes = "meta/episodes/chunk-000/file-000.parquet"
    static let data = "data/chunk-000/file-000.parquet"

    func path(_ file: String) -> String { "\(root)/\(file)" }

    /// A place outside of the dataset, which goes with it.
    func beside(_ file: String) -> String { folder.path(file) }

    func open(checkDataFiles: Bool = true, readsTasks: Bool = true) throws -> LeRobotDataset {
        try LeRobotDataset(root: root, name: name, checkDataFiles: checkDataFiles, readsTasks: readsTasks)
    }

    /// A mix of this dataset alone.
    var options: StreamOptions {
        var options = StreamOptions(datasetMix: [.init(root, 1)])
        (options.batchSize, options.resolution, options.numWorkers) = (4, 16, 1)
        (options.imageAug, options.window) = (false, .fixed(2))
        return options
    }

    /// What the writer of a table changes.
    struct Table {
        var columns: [ParquetColumn]
        private(set) var names: [String]
        var rowCount: Int { columns.first?.values.count ?? 0 }

        subscript(column: String) -> [ParquetValue] {
            get { columns[names.firstIndex(of: column) ?? 0].values }
            set { set(column, columns[names.firstIndex(of: column) ?? 0].type, newValue) }
        }

        init(_ file: ParquetFile) throws {
            names = file.columnNames
            columns = try names.map { name in
                let values = try file.values(name)
                return ParquetColumn(name, values.lazy.compactMap(Self.type).first ?? .double, values)
            }
        }

        /// Replaces a column, or adds it.
        mutating func set(_ column: String, _ type: ParquetType, _ values: [ParquetValue]) {
            if let place = names.firstIndex(of: column) {
                columns[place] = ParquetColumn(column, type, values)
            } else {
                names.append(column)
                columns.append(ParquetColumn(column, type, values))
            }
        }

        mutating func setIntegers(_ column: String, _ values: [Int]) {
            set(column, .integer(bits: 64, isSigned: true), values.map { .int(Int64($0)) })
        }

        mutating func remove(_ column: String) {
            guard let place = names.firstIndex(of: column) else { return }
            names.remove(at: place)
            columns.remove(at: place)
        }

        /// Puts the rows into another order, or takes some of them.
        mutating func take(_ rows: [Int]) {
            columns = columns.map { column in ParquetColumn(column.name, column.type, rows.map { column.values[$0] }) }
        }

        private static func type(of value: ParquetValue) -> ParquetType? {
            switch value {
            case .bool: .bool
            case .int: .integer(bits: 64, isSigned: true)
            case .float: .float
            case .double: .double
            case .string: .string
            case .bytes: .bytes
            case .list(let values): values.lazy.compactMap(type).first.map { .list($0) }
            case .structure(let fields): .structure(fields.map { ($0.name, type(of: $0.value) ?? .string) })
            default: nil
            }
        }
    }

    /// Writes a table anew.
    func rewrite(_ file: String, as target: String? = nil, _ change: (inout Table) throws -> Void) throws {
        let old = try ParquetFile(path: path(file))
        var table = try Table(old)
        try change(&table)
        let path = path(target ?? file)
        try FileManager.default.createDirectory(
            at: URL(fileURLWithPath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
        try ParquetFile.write(
            table.columns, to: path, keyValueMetadata: old.keyValueMetadata.map { (key: $0.key, value: $0.value) })
    }

    /// Replaces text in a file.
    func edit(_ file: String, _ old: String, _ new: String) throws {
        let text = try String(contentsOfFile: path(file), encoding: .utf8)
        precondition(text.contains(old), "\(file) does not hold \(old)")
        try text.replacingOccurrences(of: old, with: new).write(toFile: path(file), atomically: true, encoding: .utf8)
    }

    func remove(_ file: String) throws { try FileManager.default.removeItem(atPath: path(file)) }
}

/// Pictures by episode and frame.
typealias Pictures = [[RGBImage]]

extension LeRobotDataset {
    /// All pictures of a camera as training, prediction, conversion and extraction read them.
    func pictures(_ camera: Camera? = nil) throws -> Pictures {
        let reader = try FrameReader(dataset: self, camera: camera ?? cameras[0])
        return try episodes.enumerated().map { position, episode in
            try reader.frames(episode: position, frames: Array(0..<episode.length))
        }
    }
}
