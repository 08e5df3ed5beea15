import DataCore
import Formats
import Foundation

/// A file that is to lie in a repository of the hub.
public struct HubUploadFile: Sendable {
    /// Its place in the repository.
    public let path: String
    /// Where it lies on this disk.
    public let source: String
    public let size: Int
    /// Hexadecimal SHA-256 of the content.
    public let sha256: String

    /// Git keeps small files itself; larger ones are always asked to go to the storage for large ones.
    static let wholeLimit = 8 << 20

    /// Reads the file through once.
    ///
    /// - Throws: `DataError.unreadableFile`; `.invalidHubName` for a place that the hub would not take.
    public init(path: String, source: String) throws {
        try HubRepository.requirePath(path, what: "path in the repository")
        let bytes: MappedFile
        do { bytes = try MappedFile(path: source) } catch {
            throw DataError.unreadableFile(path: source, reason: "\(error)")
        }
        (self.path, self.source, size) = (path, source, bytes.count)
        var digest = SHA256()
        digest.update(bytes.bytes)
        sha256 = digest.hexadecimal
    }

    /// The whole content, of a small file.
    ///
    /// - Throws: `DataError.unreadableFile`.
    func content() throws -> [UInt8] {
        guard size <= Self.wholeLimit, let data = FileManager.default.contents(atPath: source), data.count == size
        else {
            throw DataError.unreadableFile(path: source, reason: "it is not what it was when it was read first")
        }
        return [UInt8](data)
    }

    /// Git's name of the content: SHA-1 of `blob SIZE`, a zero and the bytes.
    func gitName() throws -> String { try SHA1.hexadecimal(of: Array("blob \(size)\0".utf8) + content()) }

    /// The files below a folder, in order; those whose names begin with a dot, and what is no file, are left out.
    ///
    /// - Throws: as `init`.
    public static func all(in folder: String) throws -> [HubUploadFile] {
        let names = (FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []).sorted()
        return try names.compactMap { name in
            var isFolder: ObjCBool = false
            let source = "\(folder)/\(name)"
            guard !name.split(separator: "/").contains(where: { $0.hasPrefix(".") }),
                FileManager.default.fileExists(atPath: source, isDirectory: &isFolder), !isFolder.boolValue
            else { return nil }
            return try HubUploadFile(path: name, source: source)
        }
    }
}
