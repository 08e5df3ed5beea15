import DataCore
import Formats
import Foundation
import Parquet

/// Columns whose dtype says nothing of their form: LeRobot's `language` columns, lists of structures whose fields differ
/// from file to file. They are written as they are found.
struct NestedColumns {
    private let dataset: LeRobotDataset
    private let version: DatasetInfo.Version

    init(_ dataset: LeRobotDataset, version: DatasetInfo.Version) {
        (self.dataset, self.version) = (dataset, version)
    }

    /// - Throws: `DataError`, `ParquetError` for data files that cannot be read.
    func stored(_ column: DatasetColumn, names: JSON) throws -> Result<StoredColumn, Unstorable> {
        // LeRobot's own loader ends at a dtype that it does not know.
        guard version == .v30 else {
            return .failure(Unstorable("\(column.dtype) \(column.shape) has no form in \(version.rawValue)"))
        }
        var type: ParquetType?
        for path in try dataFiles() {
            guard let own = try dataset.openTable(path).type(of: column.name), own.isNestedLists else {
                return .failure(
                    Unstorable(
                        "\(column.dtype) \(column.shape) is not in every data file, or of a type that cannot be written"
                    ))
            }
            guard let merged = type.map({ $0.merged(with: own) }) ?? own else {
                return .failure(Unstorable("\(column.dtype) \(column.shape) differs between data files"))
            }
            type = merged
        }
        guard let type else { return .failure(Unstorable("there are no data files")) }
        return .success(
            StoredColumn(feature: column.name, dtype: column.dtype, shape: column.shape, names: names, type: type))
    }

    private func dataFiles() throws -> [String] {
        var seen: Set<FileNumber> = []
        return try dataset.episodes.flatMap { try dataset.rows(of: $0).files }.filter { seen.insert($0).inserted }
            .map { try dataset.dataFile($0) }
    }
}

extension ParquetType {
    /// Whether it is a list of structures, or of lists of them: a form of its own rather than numbers of a dtype that is
    /// not known.
    fileprivate var isNestedLists: Bool {
        switch self {
        case .list(.structure): true
        case .list(let element): element.isNestedLists
        case .structure, .null: true
        default: false
        }
    }
}

extension ConversionExtras {
    /// The subtasks that `subtask_index` counts, and the tools that language columns call.
    /// - Throws: `DataError` for an `info.json` that cannot be read.
    init(of dataset: LeRobotDataset, version: DatasetInfo.Version) throws {
        robotType = dataset.info.robotType
        let meta = "\(dataset.root)/meta"
        for name in ["subtasks.parquet", "subtasks.jsonl"]
        where FileManager.default.fileExists(atPath: "\(meta)/\(name)") {
            try dataset.requireOwn("\(meta)/\(name)")
            files.append((name, "\(meta)/\(name)"))
        }
        guard version == .v30 else { return }
        let json = try MetadataFile(path: "\(meta)/info.json", purpose: "the dataset's description").document()
        if let tools = json["tools"], case .array = tools { info.append(("tools", tools)) }
    }
}
