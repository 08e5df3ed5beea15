import Foundation
import Formats

/// Compiled programs in a folder, so that the next process need not compile them again.
///
/// A file's name is a digest of all that its program depends on: text, options, plugin, platform, device. Files appear whole or not
/// at all, and carry the digest of their bytes; what does not fit is passed over, and what cannot be written is left. When
/// there are more bytes than the limit, the files go that were used the longest ago.
public struct ExecutableStore: Sendable {
    public let folder: String
    /// Bytes of all files together.
    public let limit: Int

    private static let magic = Array("lam executable 1".utf8)

    public init(folder: String, limit: Int = 4 << 30) { (self.folder, self.limit) = (folder, limit) }

    /// What a program is known by.
    package struct Key {
        fileprivate let name: String

        /// - Parameter parts: all that the compiled program depends on, in order.
        package init(_ parts: [String]) {
            let text = parts.joined(separator: "\u{0}")
            // Two digests of 64 bits, of the same in both orders.
            let other = parts.reversed().joined(separator: "\u{1}")
            name = [text, other].map { text in Array(text.utf8).withUnsafeBytes(XXHash64.hexadecimal) }.joined()
        }
    }

    /// The program's bytes; nil where there is none, or none that is whole.
    package func load(_ key: Key) -> [UInt8]? {
        guard let data = FileManager.default.contents(atPath: path(key)) else { return nil }
        let head = Self.magic.count + Self.digestLength
        guard data.count > head, Array(data.prefix(Self.magic.count)) == Self.magic else { return nil }
        let bytes = [UInt8](data.dropFirst(head))
        guard Array(data[Self.magic.count..<head]) == Self.digest(bytes) else { return nil }
        try? FileManager.default.setAttributes([.modificationDate: Date()], ofItemAtPath: path(key))
        return bytes
    }

    package func save(_ bytes: [UInt8], _ key: Key) {
        guard bytes.count <= limit else { return }
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        guard let file = try? AtomicFile(path: path(key)) else { return }
        do {
            try file.write(Self.magic + Self.digest(bytes))
            try file.write(bytes)
            try file.commit()
            prune()
        } catch { file.discard() }
    }

    private func path(_ key: Key) -> String { "\(folder)/\(key.name).executable" }

    private static let digestLength = 16

    private static func digest(_ bytes: [UInt8]) -> [UInt8] {
        Array(bytes.withUnsafeBytes(XXHash64.hexadecimal).utf8)
    }

    private func prune() {
        let keys: Set<URLResourceKey> = [.fileSizeKey, .contentModificationDateKey]
        let all = try? FileManager.default.contentsOfDirectory(
            at: URL(fileURLWithPath: folder), includingPropertiesForKeys: Array(keys))
        let files = (all ?? []).filter { $0.pathExtension == "executable" }.compactMap { url in
            (try? url.resourceValues(forKeys: keys)).map {
                (url: url, size: $0.fileSize ?? 0, used: $0.contentModificationDate ?? .distantPast)
            }
        }
        var total = files.reduce(0) { $0 + $1.size }
        for file in files.sorted(by: { $0.used < $1.used }) where total > limit {
            try? FileManager.default.removeItem(at: file.url)
            total -= file.size
        }
    }
}
