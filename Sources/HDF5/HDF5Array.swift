import CHDF5
import DataCore
import Foundation

/// An array of an HDF5 file whose first axis is time, and how its rows are stored.
///
/// Opening checks everything that the file declares before any memory is taken for it. For one thread at a time.
final class HDF5Array {
    /// Absolute path in the file.
    let object: String
    let path: String
    let type: HDF5ElementType
    /// `[T, …]`; one axis at least.
    let shape: [Int]
    let layout: Layout

    enum Layout: Equatable, Codable, Sendable {
        /// All rows one after the other from byte `offset` of the file.
        case contiguous(offset: Int)
        /// Pieces of this shape, each filtered by itself.
        case chunked([Int], filters: [HDF5Filter])
        /// Rows that only the library can read: in the header, or of any length.
        case library
    }

    /// What reading it takes, besides bytes of the file.
    let storage: any HDF5Storage
    private let heap: HDF5Heap

    /// All that opening finds out.
    struct Description: Codable, Sendable {
        let type: HDF5ElementType
        let shape: [Int]
        let layout: Layout
        let heap: HDF5Heap.Form
    }

    /// A year at 60 frames a second is 1.9e9.
    private static let largestLength = 1 << 31
    static let largestRowBytes = 3 << 26
    static let largestChunkBytes = 1 << 28
    /// Data that does not compress grows by a few bytes.
    static let largestStoredChunk = largestChunkBytes + 1 << 16
    private static let largestElements = 1 << 40
    /// What h5py's `Empty` is.
    static let withoutValues = "an array without values"

    /// - Throws: `DataError.invalidHDF5`, `.refusedHDF5`, `.unreadableHDF5`.
    init(_ handle: HDF5Handle, object: String, path: String, heap: HDF5Heap) throws {
        self.heap = heap
        self.object = object
        self.path = path
        func failure(_ reason: String) -> DataError { .unreadableHDF5(path: path, object: object, reason: reason) }
        func invalid(_ expected: String, _ got: String) -> DataError {
            .invalidHDF5(path: path, object: object, expected: expected, got: got)
        }
        func refused(_ feature: String) -> DataError { .refusedHDF5(path: path, object: object, feature: feature) }

        let creation = try HDF5Handle(H5Dget_create_plist(handle.id), failure)
        let stored = H5Pget_layout(creation.id)
        // Before the shape is asked for, which for a virtual dataset may open other files.
        guard stored != H5D_VIRTUAL else { throw refused("a virtual dataset") }
        guard H5Pget_external_count(creation.id) == 0 else { throw refused("external storage") }
        let filters = try HDF5Filter.all(of: creation, refused)

        let space = try HDF5Handle(H5Dget_space(handle.id), failure)
        let rank = Int(H5Sget_simple_extent_ndims(space.id))
        guard rank != 0 else {
            throw refused(H5Sget_simple_extent_type(space.id) == H5S_NULL ? Self.withoutValues : "a single value")
        }
        guard (1...8).contains(rank) else { throw invalid("an array over time", "\(rank) axes") }
        var dimensions = [hsize_t](repeating: 0, count: rank)
        guard H5Sget_simple_extent_dims(space.id, &dimensions, nil) == rank else {
            throw failure(HDF5Library.lastFailure)
        }
        func text(_ shape: [hsize_t]) -> String { "[\(shape.map { "\($0)" }.joined(separator: ", "))]" }
        var elements: hsize_t = 1
        for dimension in dimensions {
            let (product, overflow) = elements.multipliedReportingOverflow(by: max(dimension, 1))
            guard !overflow, product <= Self.largestElements else {
                throw invalid("at most \(Self.largestElements) values", text(dimensions))
            }
            elements = product
        }
        shape = dimensions.map { Int($0) }
        type = try HDF5ElementType(of: HDF5Handle(H5Dget_type(handle.id), failure))
        guard shape[0] <= Self.largestLength else { throw invalid("at most \(Self.largestLength) rows", "\(shape[0])") }
        let row = Int(elements) / max(shape[0], 1)
        guard row * type.storedSize <= Self.largestRowBytes else {
            throw invalid("rows of at most \(Self.largestRowBytes) bytes", text(dimensions))
        }
        let bytes = Int(elements) * type.storedSize
        let isEmpty = shape.contains(0)

        switch stored {
        case H5D_CONTIGUOUS where !isEmpty && type.storedSize > 0:
            let offset = H5Dget_offset(handle.id)
            let size =
                (try? FileManager.default.attributesOfItem(
                    atPath: URL(fileURLWithPath: path).resolvingSymlinksInPath().path)[.size] as? NSNumber)?.intValue
                ?? 0
            guard offset != haddr_t.max, offset <= size, bytes <= size - Int(offset) else {
                let found = offset > size ? "none stored" : "\(size - Int(offset)) to the end of the file"
                throw invalid("\(bytes) bytes for \(text(dimensions))", found)
            }
            layout = .contiguous(offset: Int(offset))
        case H5D_CHUNKED where !isEmpty && type.storedSize > 0:
            var chunk = [hsize_t](repeating: 0, count: rank)
            guard H5Pget_chunk(creation.id, Int32(rank), &chunk) == rank, !chunk.contains(0) else {
                throw failure(HDF5Library.lastFailure)
            }
            var chunkBytes = hsize_t(type.storedSize)
            for dimension in chunk {
                let (product, overflow) = chunkBytes.multipliedReportingOverflow(by: dimension)
                guard !overflow, product <= Self.largestChunkBytes else {
                    throw invalid("chunks of at most \(Self.largestChunkBytes) bytes", "\(text(chunk)) \(type)")
                }
                chunkBytes = product
            }
            // Deflate cannot shrink further than 1032 to 1: more was declared than is there.
            let kept = H5Dget_storage_size(handle.id)
            guard kept > 0, bytes / 1100 <= kept else { throw invalid("data for \(text(dimensions))", "\(kept) bytes") }
            layout = filters.contains(.library) ? .library : .chunked(chunk.map { Int($0) }, filters: filters)
        default:
            layout = .library
        }
        storage = OpenHDF5Array(handle, type: type, shape: shape, object: object, path: path)
    }

    /// An array that another process has opened.
    init(_ description: Description, object: String, path: String, file: FileHandle, storage: any HDF5Storage) {
        (self.object, self.path, self.storage) = (object, path, storage)
        (type, shape, layout) = (description.type, description.shape, description.layout)
        heap = HDF5Heap(description.heap, in: file)
    }

    var description: Description { Description(type: type, shape: shape, layout: layout, heap: heap.form) }

    var length: Int { shape[0] }
    /// Shape of one row.
    var rowShape: [Int] { Array(shape.dropFirst()) }
    /// Bytes of one row as stored.
    var rowBytes: Int { rowShape.reduce(1, *) * type.storedSize }

    private func failure(_ reason: String) -> DataError {
        .unreadableHDF5(path: path, object: object, reason: reason)
    }

    // MARK: Reading

    /// Rows as the library decodes them, in this machine's byte order.
    ///
    /// - Precondition: of a type of fixed size.
    func rows(_ range: Range<Int>) throws -> [UInt8] {
        precondition(range.lowerBound >= 0 && range.upperBound <= length, "rows \(range) of \(length)")
        precondition(type.size > 0, "\(object) of \(type)")
        let count = range.count * rowShape.reduce(1, *) * type.memorySize
        guard count > 0 else { return [] }
        let bytes = try storage.rows(range)
        guard bytes.count == count else { throw failure("\(bytes.count) bytes of rows that have \(count)") }
        return bytes
    }

    /// The bytes of any length that a row refers to.
    ///
    /// - Parameter reference: the row as stored.
    func variableRow(_ row: Int, reference: [UInt8]) throws -> [UInt8] {
        guard let bytes = heap.bytes(reference) else { throw failure("row \(row) refers to data that is not there") }
        return bytes
    }
}
