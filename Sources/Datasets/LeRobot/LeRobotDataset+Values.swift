import DataCore
import Formats
import Parquet

/// Columns of numbers, such as `action` and `observation.state`.
extension LeRobotDataset {
    /// The values of a feature in every frame of an episode, lists flattened.
    ///
    /// - Parameter feature: name of a feature of numbers.
    /// - Returns: a row per frame, all of one width, values finite or not; nil where the dataset has no such feature, or one of another kind.
    /// - Throws: `DataError.invalidField` for rows without numbers or of different widths; `ParquetError`.
    public func values(of feature: String, in episode: Episode) throws -> [[Double]]? {
        guard let declared = info.feature(feature), Self.numbers.contains(declared.dtype) else { return nil }
        guard try openTable(dataFile(of: episode)).columnNames.contains(feature) else { return nil }
        let column = try columnValues([feature], of: episode)[0]
        var rows: [[Double]] = []
        for (frame, value) in column.values.enumerated() {
            var numbers: [Double] = []
            let isSound = value.appendNumbers(to: &numbers) && (rows.first.map { $0.count == numbers.count } ?? true)
            guard isSound else {
                let (path, row) = column.place(frame)
                throw DataError.invalidField(
                    path: path, line: nil, field: "\(feature) of row \(row)",
                    expected: rows.first.map { "\($0.count) numbers" } ?? "numbers",
                    got: String("\(value)".prefix(200)))
            }
            rows.append(numbers)
        }
        return rows
    }

    private static let numbers: Set<String> = [
        "float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool",
    ]
}

extension ParquetValue {
    /// Flattens lists. False where there is something else than numbers.
    package func appendNumbers(to numbers: inout [Double]) -> Bool {
        switch self {
        case .float(let value): numbers.append(Double(value))
        case .double(let value): numbers.append(value)
        case .int(let value): numbers.append(Double(value))
        case .unsigned(let value): numbers.append(Double(value))
        case .bool(let value): numbers.append(value ? 1 : 0)
        case .list(let values): return values.allSatisfy { $0.appendNumbers(to: &numbers) }
        default: return false
        }
        return true
    }
}
