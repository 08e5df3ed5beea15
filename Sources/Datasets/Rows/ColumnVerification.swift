import DataCore
import Parquet

/// Compares the columns of data files with what `info.json` declares. Pictures can be learnt from without most of them, but
/// neither conversion nor LeRobot itself takes files that break their promise.
struct ColumnVerification {
    private struct Oddity {
        let column: String
        /// What is odd in the first of the files.
        let what: String
        var files = 1
    }

    private let features: [Feature]
    private var oddities: [Oddity] = []

    /// Rows read at once: what a read may spend goes by the size of the file.
    private static let batch = 4096

    init(_ info: DatasetInfo) { features = info.features.filter { $0.dtype != Camera.Kind.video.rawValue } }

    /// Reads every value of a data file's declared columns, but for pictures, which are decoded elsewhere.
    ///
    /// - Throws: `ParquetError` for what cannot be read.
    mutating func read(_ table: ParquetFile) throws {
        let names = Set(table.columnNames)
        for feature in features {
            guard names.contains(feature.name) else {
                note(feature, "\(table.path) has none")
                continue
            }
            guard feature.dtype != Camera.Kind.image.rawValue,
                let column = StoredColumn(feature: feature.name, dtype: feature.dtype, shape: feature.shape)
            else { continue }
            for start in stride(from: 0, to: table.rowCount, by: Self.batch) {
                let values = try table.values(feature.name, rows: start..<min(start + Self.batch, table.rowCount))
                guard let row = values.firstIndex(where: { !column.holds($0) }) else { continue }
                note(feature, "\(table.path), row \(start + row): \("\(values[row])".prefix(100))")
                break
            }
        }
    }

    private mutating func note(_ feature: Feature, _ what: String) {
        if let place = oddities.firstIndex(where: { $0.column == feature.name }) {
            oddities[place].files += 1
        } else {
            oddities.append(Oddity(column: feature.name, what: what))
        }
    }

    /// In sentences; one for each column.
    var warnings: [String] {
        oddities.map { oddity in
            let feature = features.first { $0.name == oddity.column }
            return
                "column \(oddity.column) of \(oddity.files) data files is not \(feature?.dtype ?? "") "
                + "\(feature?.shape ?? []), as meta/info.json says (first: \(oddity.what)); "
                + (Self.counters.contains(oddity.column)
                    ? "LeRobot refuses it, lam convert makes it anew"
                    : "training on pictures does not read it, LeRobot and lam convert refuse it")
        }
    }

    /// Columns that number the rows.
    private static let counters: Set = ["timestamp", "frame_index", "episode_index", "index", "task_index"]
}

extension StoredColumn {
    /// Whether a value has this column's type and shape. Nulls are values of every type.
    fileprivate func holds(_ value: ParquetValue) -> Bool {
        type.accepts(value) && (shape == [1] || Self.hasShape(value, shape[...]))
    }

    private static func hasShape(_ value: ParquetValue, _ shape: ArraySlice<Int>) -> Bool {
        guard let count = shape.first, case .list(let values) = value else { return true }
        return values.count == count && values.allSatisfy { hasShape($0, shape.dropFirst()) }
    }
}
