import DataCore
import Foundation

/// Rows of arrays of bytes: pictures, encoded pictures. A row costs the chunks that hold it; the last two rows of chunks
/// are kept, as the frames of neighbouring pairs lie in them. For one thread at a time.
struct HDF5RowReader {
    /// Rows `first ..< first + count` of one array.
    private struct Slab {
        let path: String
        let object: String
        let rows: Range<Int>
        let bytes: [UInt8]

        func row(_ row: Int, bytes count: Int) -> [UInt8] {
            let start = (row - rows.lowerBound) * count
            return Array(bytes[start..<start + count])
        }
    }

    private var slabs: [Slab] = []

    /// Larger rows of chunks are read for one row at a time.
    static let largestSlab = 32 << 20

    /// - Throws: `DataError.unreadableImage`, `.unreadableHDF5`.
    mutating func row(_ row: Int, of array: HDF5Array, in file: FileHandle) throws -> [UInt8] {
        let stored = try stored(row, of: array, in: file)
        return array.type == .variableBytes ? try array.variableRow(row, reference: stored) : stored
    }

    /// A row as it stands in the array.
    private mutating func stored(_ row: Int, of array: HDF5Array, in file: FileHandle) throws -> [UInt8] {
        switch array.layout {
        case .contiguous(let offset):
            return try Self.read(file, at: offset + row * array.rowBytes, count: array.rowBytes, array, row)
        case .library:
            guard array.type != .variableBytes else {
                throw DataError.refusedHDF5(
                    path: array.path, object: array.object, feature: "lists that are not stored row by row")
            }
            return try array.rows(row..<row + 1)
        case .chunked(let chunk, let filters):
            if let known = slabs.lastIndex(where: {
                $0.object == array.object && $0.rows.contains(row) && $0.path == array.path
            }) {
                return slabs[known].row(row, bytes: array.rowBytes)
            }
            let first = row / chunk[0] * chunk[0]
            var rows = first..<min(first + chunk[0], array.length)
            let isKept = rows.count <= Self.largestSlab / max(array.rowBytes, 1)
            if !isKept { rows = row..<row + 1 }
            let bytes = try Self.gather(rows, of: array, chunk: chunk, filters: filters)
            let slab = Slab(path: array.path, object: array.object, rows: rows, bytes: bytes)
            if isKept { slabs = slabs.suffix(1) + [slab] }
            return slab.row(row, bytes: array.rowBytes)
        }
    }

    private static func read(
        _ handle: FileHandle, at offset: Int, count: Int, _ array: HDF5Array, _ row: Int
    ) throws -> [UInt8] {
        var done = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            while done < count {
                // SAFETY: `done < count`, so the buffer is not empty and the rest of it has room.
                let result = pread(
                    handle.fileDescriptor, buffer.baseAddress! + done, count - done, off_t(offset + done))
                if result < 0, errno == EINTR { continue }
                guard result > 0 else { break }
                done += result
            }
            initialized = done
        }
        guard done == count else {
            throw DataError.unreadableHDF5(
                path: array.path, object: array.object, reason: "row \(row) ends after \(done) of \(count) bytes")
        }
        return bytes
    }

    /// Puts rows together from the chunks of one step of the first axis.
    private static func gather(
        _ rows: Range<Int>, of array: HDF5Array, chunk: [Int], filters: [HDF5Filter]
    ) throws -> [UInt8] {
        let size = array.type.storedSize
        let chunkBytes = chunk.reduce(size, *)
        let shape = array.shape
        var result = [UInt8](repeating: 0, count: rows.count * array.rowBytes)
        var offset = [Int](repeating: 0, count: shape.count)
        offset[0] = rows.lowerBound / chunk[0] * chunk[0]
        var isDone = false
        while !isDone {
            // Some at a time, in one question to the library.
            var offsets: [[Int]] = []
            repeat {
                offsets.append(offset)
                isDone = !advance(&offset, chunk: chunk, shape: shape)
            } while !isDone && offsets.count * chunkBytes < largestSlab
            for (offset, stored) in zip(offsets, try array.storage.chunks(at: offsets)) {
                guard
                    let bytes = HDF5Filter.undo(
                        filters, stored.bytes, leftOut: stored.filtersLeftOut, elementSize: size, size: chunkBytes)
                else {
                    throw DataError.unreadableImage(
                        path: array.path, row: rows.lowerBound, column: array.object,
                        reason: "the chunk at \(offset) does not unpack to \(chunkBytes) bytes")
                }
                copy(bytes, chunk: chunk, at: offset, rows: rows, shape: shape, elementSize: size, into: &result)
            }
        }
        return result
    }

    /// The next chunk of the same step of the first axis.
    private static func advance(_ offset: inout [Int], chunk: [Int], shape: [Int]) -> Bool {
        for axis in stride(from: shape.count - 1, to: 0, by: -1) {
            offset[axis] += chunk[axis]
            if offset[axis] < shape[axis] { return true }
            offset[axis] = 0
        }
        return false
    }

    /// Copies what of a chunk lies within `rows` and the array; chunks at its edges reach beyond it.
    private static func copy(
        _ bytes: [UInt8], chunk: [Int], at offset: [Int], rows: Range<Int>, shape: [Int], elementSize: Int,
        into result: inout [UInt8]
    ) {
        // Of every axis the part that is wanted, in the array's numbers.
        let wanted = shape.indices.map { axis in
            let part = offset[axis]..<min(offset[axis] + chunk[axis], shape[axis])
            return axis == 0 ? part.clamped(to: rows) : part
        }
        guard wanted.allSatisfy({ !$0.isEmpty }) else { return }
        // Values that lie side by side in both: the last axis, and those before it as long as chunks span the array.
        var outer = shape.count - 1
        var run = wanted[outer].count * elementSize
        while outer > 0, chunk[outer] == shape[outer] {
            outer -= 1
            run *= wanted[outer].count
        }
        var place = wanted.map(\.lowerBound)
        while true {
            var source = 0
            var target = 0
            for axis in shape.indices {
                source = source * chunk[axis] + place[axis] - offset[axis]
                target = target * shape[axis] + place[axis] - (axis == 0 ? rows.lowerBound : 0)
            }
            source *= elementSize
            target *= elementSize
            result.withUnsafeMutableBytes { result in
                bytes.withUnsafeBytes { bytes in
                    UnsafeMutableRawBufferPointer(rebasing: result[target..<target + run])
                        .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[source..<source + run]))
                }
            }
            // The next run.
            var axis = outer
            repeat {
                axis -= 1
                guard axis >= 0 else { return }
                place[axis] += 1
                if place[axis] < wanted[axis].upperBound { break }
                place[axis] = wanted[axis].lowerBound
            } while true
        }
    }
}
