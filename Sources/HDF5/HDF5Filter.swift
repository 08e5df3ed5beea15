import CHDF5
import DataCore
import Formats

/// A step that a chunk went through when it was written.
enum HDF5Filter: Equatable, Codable, Sendable {
    case deflate
    /// Byte 0 of all elements, then byte 1 …
    case shuffle
    /// A filter of the library that it has to undo itself: Fletcher's checksum, szip.
    case library

    /// The filters of an array, in the order of writing.
    ///
    /// - Throws: `refused(name)` for a filter that is not part of the library.
    static func all(of creation: HDF5Handle, _ refused: (String) -> DataError) throws -> [HDF5Filter] {
        let count = H5Pget_nfilters(creation.id)
        guard (0...32).contains(count) else { throw refused("\(count) filters") }
        return try (0..<UInt32(count)).map { place in
            var flags: UInt32 = 0
            var parameters = 0
            var configuration: UInt32 = 0
            var name = [CChar](repeating: 0, count: 64)
            let id = H5Pget_filter2(
                creation.id, place, &flags, &parameters, nil, name.count - 1, &name, &configuration)
            switch id {
            case 1: return .deflate
            case 2: return .shuffle
            case 3, 4: return .library
            default:
                let text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                throw refused("filter \(id)" + (text.isEmpty ? "" : " (\(text))"))
            }
        }
    }

    /// Undoes the filters of one chunk.
    ///
    /// - Parameters:
    ///   - leftOut: bit i is set if filter i was not applied to this chunk.
    ///   - size: bytes of the chunk.
    /// - Returns: nil if the bytes are not what these filters make.
    static func undo(
        _ filters: [HDF5Filter], _ bytes: [UInt8], leftOut: UInt32, elementSize: Int, size: Int
    ) -> [UInt8]? {
        var bytes = bytes
        for (place, filter) in filters.enumerated().reversed() where leftOut >> UInt32(place) & 1 == 0 {
            switch filter {
            case .deflate:
                guard let inflated = Compression.deflate.decompress(bytes, bytes.indices, size: size),
                    inflated.count == size
                else { return nil }
                bytes = inflated
            case .shuffle: bytes = unshuffled(bytes, elementSize: elementSize)
            case .library: return nil
            }
        }
        return bytes.count == size ? bytes : nil
    }

    private static func unshuffled(_ bytes: [UInt8], elementSize: Int) -> [UInt8] {
        guard elementSize > 1 else { return bytes }
        let count = bytes.count / elementSize
        var result = bytes
        for element in 0..<count {
            for byte in 0..<elementSize { result[element * elementSize + byte] = bytes[byte * count + element] }
        }
        return result
    }
}
