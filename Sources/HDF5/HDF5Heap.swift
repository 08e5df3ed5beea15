import CHDF5
import DataCore
import Foundation

/// Variable-length data of a file, looked up without libhdf5, which trusts references to it whatever they say.
///
/// Source: "HDF5 File Format Specification", version 3.0, III.E (global heap) and IV.A (object headers).
struct HDF5Heap {
    /// How a file is laid out, as far as heaps depend on it.
    struct Form: Codable, Sendable {
        let isUsual: Bool
        let base: Int
        let size: Int
    }

    let form: Form
    /// Sizes of addresses and lengths: 8 bytes in all files since the nineties; of others nothing is read here.
    private var isUsual: Bool { form.isUsual }
    /// Where the file begins behind a user block.
    private var base: Int { form.base }
    private var size: Int { form.size }
    private let handle: FileHandle

    /// Bytes of a reference: length, address of a heap, number in it.
    static let referenceBytes = 16
    private static let largestObject = 1 << 28
    private static let mostMessages = 1 << 16

    init(file: HDF5Handle, path: String) throws {
        func failure(_ reason: String) -> DataError { .unreadableHDF5(path: path, object: "file", reason: reason) }
        guard let handle = FileHandle(forReadingAtPath: path), let size = try? handle.seekToEnd() else {
            throw failure("cannot be opened")
        }
        let creation = try HDF5Handle(H5Fget_create_plist(file.id), failure)
        var (addressBytes, lengthBytes, userBlock) = (0, 0, hsize_t(0))
        H5Pget_sizes(creation.id, &addressBytes, &lengthBytes)
        H5Pget_userblock(creation.id, &userBlock)
        guard userBlock <= size else { throw failure("its user block is longer than the file") }
        form = Form(isUsual: addressBytes == 8 && lengthBytes == 8, base: Int(userBlock), size: Int(size))
        self.handle = handle
    }

    init(_ form: Form, in file: FileHandle) { (self.form, handle) = (form, file) }

    /// The bytes that a reference leads to; nil if it leads nowhere.
    func bytes(_ reference: [UInt8]) -> [UInt8]? {
        guard isUsual, reference.count == Self.referenceBytes else { return nil }
        let count = Self.number(reference[0..<4])
        guard count > 0 else { return [] }
        guard count <= Self.largestObject, let heap = Self.address(reference[4..<12]),
            let head = read(heap, 16), head.starts(with: "GCOL".utf8), head[4] == 1,
            let heapBytes = Self.address(head[8..<16]), heapBytes <= size
        else { return nil }
        let wanted = Self.number(reference[12..<16])
        var place = 16
        while place + 16 <= heapBytes, let object = read(heap + place, 16), let length = Self.address(object[8..<16]) {
            let index = Self.number(object[0..<2])
            guard index != 0, length <= heapBytes - place - 16 else { return nil }
            if index == wanted { return count <= length ? read(heap + place + 16, count) : nil }
            place += 16 + (length + 7) / 8 * 8
        }
        return nil
    }

    /// What an object's header holds as the attribute of a name.
    enum Attribute {
        /// A text of any length; nil if its reference leads nowhere.
        case text(String?)
        case other
        /// Not in the header: there is none, or it is stored in another way.
        case absent
    }

    /// - Parameter header: address of the object's header.
    func attribute(_ name: String, header: UInt64) -> Attribute {
        guard isUsual, header < UInt64(size), let head = read(Int(header), 16) else { return .absent }
        var blocks: [(address: Int, bytes: Int)] = []
        let isNew = head.starts(with: "OHDR".utf8)
        var hasOrder = false
        if isNew {
            let flags = head[5]
            hasOrder = flags & 4 != 0
            let prefix = 6 + (flags & 32 != 0 ? 16 : 0) + (flags & 16 != 0 ? 4 : 0)
            let sizeBytes = 1 << Int(flags & 3)
            guard let field = read(Int(header) + prefix, sizeBytes), sizeBytes < 8 || field[7] == 0 else {
                return .absent
            }
            blocks.append((Int(header) + prefix + sizeBytes, Self.number(field[...])))
        } else {
            guard head[0] == 1 else { return .absent }
            blocks.append((Int(header) + 16, Self.number(head[8..<12])))
        }
        let headBytes = isNew ? (hasOrder ? 6 : 4) : 8
        var seen = 0
        var next = 0
        while next < blocks.count, next < 1024 {
            let block = blocks[next]
            next += 1
            guard block.bytes <= Self.largestObject, let bytes = read(block.address, block.bytes) else { continue }
            var place = 0
            while place + headBytes <= bytes.count, seen < Self.mostMessages {
                seen += 1
                let type = isNew ? Int(bytes[place]) : Self.number(bytes[place..<place + 2])
                let length = Self.number(isNew ? bytes[place + 1..<place + 3] : bytes[place + 2..<place + 4])
                place += headBytes
                guard length <= bytes.count - place else { break }
                let message = Array(bytes[place..<place + length])
                place += length
                if type == 0x10, length >= 16, let address = Self.address(message[0..<8]),
                    let count = Self.address(message[8..<16])
                {
                    // Newer continuations have a signature before and a checksum behind.
                    blocks.append(isNew ? (address + 4, max(0, count - 8)) : (address, count))
                } else if type == 0x0C, let found = attribute(message, name) {
                    return found
                }
            }
        }
        return .absent
    }

    /// One attribute message; nil if it is of another name.
    private func attribute(_ message: [UInt8], _ name: String) -> Attribute? {
        guard message.count >= 9, (1...3).contains(message[0]) else { return nil }
        let isPadded = message[0] == 1
        let sizes = stride(from: 2, to: 8, by: 2).map { Self.number(message[$0..<$0 + 2]) }
        var place = message[0] == 3 ? 9 : 8
        var parts: [ArraySlice<UInt8>] = []
        for size in sizes {
            guard size <= message.count - place else { return nil }
            parts.append(message[place..<place + size])
            place = min(message.count, place + (isPadded ? (size + 7) / 8 * 8 : size))
        }
        guard parts[0].prefix(while: { $0 != 0 }).elementsEqual(name.utf8) else { return nil }
        // Class 9 is data of variable length, its first property says whether it is text.
        guard parts[1].count >= 8, parts[1][parts[1].startIndex] & 15 == 9,
            parts[1][parts[1].startIndex + 1] & 15 == 1
        else { return .other }
        let data = message[place...]
        guard data.count >= Self.referenceBytes else { return .text(nil) }
        return .text(
            bytes(Array(data.prefix(Self.referenceBytes))).flatMap {
                String(validating: $0.prefix { $0 != 0 }, as: UTF8.self)
            })
    }

    private func read(_ address: Int, _ count: Int) -> [UInt8]? {
        guard address >= 0, count > 0, address <= size - base, count <= size - base - address else { return nil }
        var bytes = [UInt8](repeating: 0, count: count)
        return pread(handle.fileDescriptor, &bytes, count, off_t(base + address)) == count ? bytes : nil
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int {
        bytes.prefix(7).reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    /// An address or a length of 8 bytes; nil beyond 2^48, where no file reaches.
    private static func address(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.count == 8, bytes.suffix(2).allSatisfy({ $0 == 0 }) else { return nil }
        return number(bytes.prefix(6))
    }
}
