import DataCore
import Formats
import Parquet

/// Columns of numbers as programs around LeRobot write them: pandas turns integers into floats where one is missing.
extension ParquetFile {
    /// Integers, or floats that are integers. Null and NaN are nil.
    ///
    /// - Throws: `DataError.invalidField` for anything else, naming column and row; `ParquetError`.
    func exactIntegers(_ column: String, rows: Range<Int>? = nil, of limit: ClosedRange<Int>) throws -> [Int?] {
        func invalid(_ row: Int, _ got: String) -> DataError {
            .invalidField(
                path: path, line: nil, field: "\(column) of row \((rows?.lowerBound ?? 0) + row)",
                expected: "an integer in \(limit.lowerBound)…\(limit.upperBound)", got: got)
        }
        func checked(_ value: Int, _ row: Int) throws -> Int {
            guard limit.contains(value) else { throw invalid(row, "\(value)") }
            return value
        }
        // Nearly all columns are integers without nulls, and that way is several times as fast.
        do {
            return try int64s(column, rows: rows).enumerated().map { try checked(Int($1), $0) }
        } catch ParquetError.typeMismatch, ParquetError.nullValue {}
        return try values(column, rows: rows).enumerated().map { row, value in
            switch value {
            case .null: return nil
            case .int(let value): return try checked(Int(value), row)
            case .float(let value) where value.isNaN: return nil
            case .double(let value) where value.isNaN: return nil
            case .float(let value):
                guard let exact = Int(exactly: value) else { throw invalid(row, "\(value)") }
                return try checked(exact, row)
            case .double(let value):
                guard let exact = Int(exactly: value) else { throw invalid(row, "\(value)") }
                return try checked(exact, row)
            default: throw invalid(row, String("\(value)".prefix(80)))
            }
        }
    }

    /// Finite floats or integers. Null and NaN are nil.
    ///
    /// - Throws: `DataError.invalidField` for anything else, naming column and row; `ParquetError`.
    func exactDoubles(_ column: String) throws -> [Double?] {
        do {
            return try doubles(column).map { $0.isNaN ? nil : $0 }
        } catch ParquetError.typeMismatch, ParquetError.nullValue {}
        return try values(column).enumerated().map { row, value in
            switch value {
            case .null: return nil
            case .int(let value): return Double(value)
            case .float(let value): return value.isNaN ? nil : Double(value)
            case .double(let value): return value.isNaN ? nil : value
            default:
                throw DataError.invalidField(
                    path: path, line: nil, field: "\(column) of row \(row)", expected: "a number",
                    got: String("\(value)".prefix(80)))
            }
        }
    }
}
