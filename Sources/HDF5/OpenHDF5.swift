import CHDF5
import DataCore
import Foundation

/// A file that libhdf5 has open in this process, with the arrays that were last read. For one thread at a time.
final class OpenHDF5 {
    let file: HDF5File
    let descriptor: FileHandle
    private var arrays: [String: HDF5Array] = [:]

    private static let openArrays = 64

    init(path: String) throws {
        file = try HDF5File(path: path)
        guard let descriptor = FileHandle(forReadingAtPath: path) else {
            throw DataError.unreadableFile(path: path, reason: "cannot be opened")
        }
        self.descriptor = descriptor
    }

    func array(_ object: String) throws -> HDF5Array {
        if let known = arrays[object] { return known }
        if arrays.count >= Self.openArrays { arrays.removeAll() }
        let array = try file.array(object)
        arrays[object] = array
        return array
    }
}

/// What reading an array takes besides bytes that stand in the file as they are. For one thread at a time.
protocol HDF5Storage {
    /// The bytes of chunks as stored, with the filters that were left out when each was written.
    ///
    /// - Parameter offsets: of the chunks' first elements.
    func chunks(at offsets: [[Int]]) throws -> [HDF5Chunk]

    /// Rows as the library decodes them, in this machine's byte order; of a type of fixed size.
    func rows(_ range: Range<Int>) throws -> [UInt8]
}

struct HDF5Chunk: Sendable {
    let bytes: [UInt8]
    let filtersLeftOut: UInt32
}

/// An array that libhdf5 has open in this process.
struct OpenHDF5Array: HDF5Storage {
    private let handle: HDF5Handle
    private let type: HDF5ElementType
    private let shape: [Int]
    private let object: String
    private let path: String

    init(_ handle: HDF5Handle, type: HDF5ElementType, shape: [Int], object: String, path: String) {
        (self.handle, self.type, self.shape) = (handle, type, shape)
        (self.object, self.path) = (object, path)
    }

    private func failure(_ reason: String) -> DataError {
        .unreadableHDF5(path: path, object: object, reason: reason)
    }

    func chunks(at offsets: [[Int]]) throws -> [HDF5Chunk] { try offsets.map(chunk) }

    private func chunk(at offset: [Int]) throws -> HDF5Chunk {
        try HDF5Library.locked {
            let place = offset.map { hsize_t($0) }
            var size: hsize_t = 0
            guard H5Dget_chunk_storage_size(handle.id, place, &size) >= 0, size > 0 else {
                throw failure("nothing is stored at \(offset)")
            }
            // Data that does not compress grows by a few bytes.
            guard size <= HDF5Array.largestStoredChunk else {
                throw failure("the chunk at \(offset) has \(size) bytes")
            }
            var bytes = [UInt8](repeating: 0, count: Int(size))
            var mask: UInt32 = 0
            guard H5Dread_chunk(handle.id, lam_h5_default, place, &mask, &bytes) >= 0 else {
                throw failure(HDF5Library.lastFailure)
            }
            return HDF5Chunk(bytes: bytes, filtersLeftOut: mask)
        }
    }

    func rows(_ range: Range<Int>) throws -> [UInt8] {
        try HDF5Library.locked {
            let (file, memorySpace) = try selection(range)
            let count = range.count * shape.dropFirst().reduce(1, *) * type.memorySize
            var bytes = [UInt8](repeating: 0, count: count)
            let own = try HDF5Handle(H5Dget_type(handle.id), failure)
            let memory = type.memoryType ?? own.id
            guard H5Dread(handle.id, memory, memorySpace.id, file.id, lam_h5_default, &bytes) >= 0 else {
                throw failure(HDF5Library.lastFailure)
            }
            return bytes
        }
    }

    /// Rows of the array, and a place for them in memory.
    private func selection(_ range: Range<Int>) throws -> (file: HDF5Handle, memory: HDF5Handle) {
        let file = try HDF5Handle(H5Dget_space(handle.id), failure)
        var start = [hsize_t](repeating: 0, count: shape.count)
        start[0] = hsize_t(range.lowerBound)
        var count = shape.map { hsize_t($0) }
        count[0] = hsize_t(range.count)
        guard H5Sselect_hyperslab(file.id, H5S_SELECT_SET, start, nil, count, nil) >= 0 else {
            throw failure(HDF5Library.lastFailure)
        }
        return (file, try HDF5Handle(H5Screate_simple(Int32(count.count), count, nil), failure))
    }
}
