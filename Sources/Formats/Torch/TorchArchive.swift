/// Reads the zip container of `torch.save`.
struct TorchArchive {
    /// Bound on `data.pkl`: half a million tensors take this much.
    private static let maximumPickleBytes = 64 << 20

    private let file: MappedFile
    private let verifiesChecksums: Bool
    private let archive: ZipArchive
    /// The folder that all entries lie in, with its slash.
    private let prefix: String
    private let isBigEndian: Bool

    init(_ file: MappedFile, verifiesChecksums: Bool) throws(FormatError) {
        self.file = file
        self.verifiesChecksums = verifiesChecksums
        do throws(ZipFault) { archive = try ZipArchive(file.bytes) } catch { throw .zip(path: file.path, error) }

        let folders = archive.names.filter { $0 == "data.pkl" || $0.hasSuffix("/data.pkl") }.map { $0.dropLast(8) }
        guard folders.count == 1, let folder = folders.first else { throw .torch(path: file.path, .noPickle) }
        prefix = String(folder)

        // Files before torch 2.1 have no such entry and are little-endian.
        if let entry = archive.entries[prefix + "byteorder"] {
            let order = try Self.bytes(of: entry, in: archive, of: file, limit: 16, verifies: verifiesChecksums)
            switch order.withUnsafeBytes({ String(decoding: $0, as: UTF8.self) }) {
            case "little": isBigEndian = false
            case "big": isBigEndian = true
            case let other: throw .torch(path: file.path, .byteOrder(other))
            }
        } else {
            isBigEndian = false
        }
    }

    func read() throws(FormatError) -> PickleValue {
        guard let entry = archive.entries[prefix + "data.pkl"] else { throw .torch(path: file.path, .noPickle) }
        let pickle = try Self.bytes(
            of: entry, in: archive, of: file, limit: Self.maximumPickleBytes, verifies: verifiesChecksums)
        return try pickle.withUnsafeBytes { (bytes) throws(FormatError) in
            var machine = PickleMachine(bytes: bytes)
            let root: PickleGraph.Index
            do throws(PickleFault) { root = try machine.run() } catch {
                throw .pickle(path: file.path, offset: machine.position, error)
            }
            let storages = try storages(of: machine.graph)
            return try machine.graph.value(of: root, storages: storages, path: file.path, offset: machine.position)
        }
    }

    private func storages(of graph: PickleGraph) throws(FormatError) -> [TorchStorage] {
        // Deflated storages take memory of their own. Weights hardly compress, so a file that asks for many times its
        // size was made to exhaust memory.
        var inflatable = 256 << 20 + 8 * file.count
        var storages: [TorchStorage] = []
        for storage in graph.storages {
            guard let entry = archive.entries["\(prefix)data/\(storage.key)"] else {
                throw .torch(path: file.path, .missingStorage(key: storage.key))
            }
            let elementType = storage.elementType ?? .u8
            guard entry.bytes == UInt64(storage.count * elementType.byteCount) else {
                throw .zip(
                    path: file.path,
                    .entrySize(entry: entry.name, expected: storage.count * elementType.byteCount, got: entry.bytes))
            }
            let bytes = try Self.bytes(of: entry, in: archive, of: file, limit: inflatable, verifies: verifiesChecksums)
            if entry.isDeflated { inflatable -= bytes.byteCount }
            storages.append(TorchStorage(bytes: bytes, storage, isBigEndian: isBigEndian))
        }
        return storages
    }

    /// An entry's uncompressed bytes as a u8 tensor: borrowed from the file where they are stored.
    /// - Parameter limit: the most bytes to inflate; a stored entry of any size costs no memory.
    private static func bytes(
        of entry: ZipArchive.Entry, in archive: ZipArchive, of file: MappedFile, limit: Int, verifies: Bool
    ) throws(FormatError) -> StoredTensor {
        do throws(ZipFault) {
            let result: StoredTensor
            if let stored = try archive.stored(entry) {
                result = stored.baseAddress.map {
                    // SAFETY: `stored` lies within the bytes that `file` keeps mapped.
                    StoredTensor(elementType: .u8, shape: [stored.count], owner: file, pointer: $0)
                } ?? StoredTensor(elementType: .u8, shape: [0], bytes: [])
            } else {
                guard entry.bytes <= UInt64(max(limit, 0)) else {
                    throw .entryTooLarge(entry: entry.name, bytes: entry.bytes, limit: limit)
                }
                result = try StoredTensor(elementType: .u8, shape: [Int(entry.bytes)]) { (target) throws(ZipFault) in
                    try archive.inflate(entry, into: target)
                }
            }
            if verifies { try result.withUnsafeBytes { (bytes) throws(ZipFault) in try archive.verify(entry, bytes) } }
            return result
        } catch {
            throw .zip(path: file.path, error)
        }
    }
}
