import DataCore
import Datasets
import Formats
import Parquet

extension HDF5Dataset {
    /// The values of one array of an episode, a frame each: numbers, lists of them or lists of lists.
    ///
    /// - Throws: `DataError.invalidHDF5` if the episode's array is not like the first one's; `.unreadableHDF5`.
    func values(of column: HDF5Column, episode: Int, pool: ReaderPool) throws -> [ParquetValue] {
        let record = episodes[episode]
        let path = files[record.file]
        let file = try pool.take(path) { try HDF5Reader(path: path) }
        defer { pool.giveBack(file, path) }
        let array = try file.array(record.group + column.object)
        let expected = [record.length] + column.shape
        guard array.type == column.type, array.shape == expected else {
            throw DataError.invalidHDF5(
                path: path, object: array.object, expected: "\(column.type) \(expected), as in the first episode",
                got: "\(array.type) \(array.shape)")
        }
        let numbers = Self.numbers(try array.rows(0..<array.length), array.type)
        return Self.nest(numbers, column.shape)
    }

    /// The recorded actions of an episode: a row per frame, lists flattened; nil where the dataset has none.
    ///
    /// - Throws: as `values(of:episode:pool:)`.
    public func actions(episode: Int, from readers: SharedReaders) throws -> [[Double]]? {
        guard let column = arrays.first(where: { $0.feature == "action" }) else { return nil }
        return try values(of: column, episode: episode, pool: readers.pool).map { value in
            var row: [Double] = []
            let isNumbers = value.appendNumbers(to: &row)
            precondition(isNumbers, "\(column.type) is no number")
            return row
        }
    }

    /// Groups numbers into values of `shape`.
    private static func nest(_ numbers: [ParquetValue], _ shape: [Int]) -> [ParquetValue] {
        guard let size = shape.last else { return numbers }
        let lists = stride(from: 0, to: numbers.count, by: size).map {
            ParquetValue.list(Array(numbers[$0..<$0 + size]))
        }
        return nest(lists, Array(shape.dropLast()))
    }

    private static func numbers(_ bytes: [UInt8], _ type: HDF5ElementType) -> [ParquetValue] {
        func each<Number>(_: Number.Type, _ value: (Number) -> ParquetValue) -> [ParquetValue] {
            bytes.withUnsafeBytes { raw in
                (0..<raw.count / MemoryLayout<Number>.stride).map {
                    value(raw.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Number>.stride, as: Number.self))
                }
            }
        }
        switch type {
        case .integer(8, true): return each(Int8.self) { .int(Int64($0)) }
        case .integer(8, false): return each(UInt8.self) { .int(Int64($0)) }
        case .integer(16, true): return each(Int16.self) { .int(Int64($0)) }
        case .integer(16, false): return each(UInt16.self) { .int(Int64($0)) }
        case .integer(32, true): return each(Int32.self) { .int(Int64($0)) }
        case .integer(32, false): return each(UInt32.self) { .int(Int64($0)) }
        case .integer(_, true): return each(Int64.self) { .int($0) }
        case .integer: return each(UInt64.self) { Int64(exactly: $0).map(ParquetValue.int) ?? .unsigned($0) }
        case .float(64): return each(Double.self) { .double($0) }
        case .float: return each(Float.self) { .float($0) }
        case .bool: return each(UInt8.self) { .bool($0 != 0) }
        case .variableBytes, .bytes, .other: preconditionFailure("\(type) is no number")
        }
    }
}
