import Formats
import Foundation

/// Everything that one dataset's cached features depend on. Two equal keys mean equal features, bit for bit.
struct FeatureKey: Equatable {
    /// Facts by name, for comparing and for messages.
    let facts: [String: String]

    /// Changes when the layout of a record does.
    private static let format = "1"

    init(source: StreamSource, options: StreamOptions, encoder: String, patches: Int, width: Int) throws {
        var lengths = Fingerprint()
        for episode in source.episodes { lengths.add("\(episode.index) \(episode.length)\n") }
        facts = [
            "format": Self.format,
            "encoder": encoder,
            "features": "[\(patches), \(width)] bf16",
            "data.resolution": "\(options.resolution)",
            "data.crop": options.crop.rawValue,
            "dataset": source.name,
            "camera": source.camera,
            "frames": "\(source.episodes.reduce(0) { $0 + $1.length }) in \(source.episodes.count) episodes, "
                + lengths.text,
            "files": try Self.digest(of: source.contentFiles()),
        ]
    }

    /// What `write(to:)` wrote; nil for anything else.
    init?(contentsOf path: String) {
        guard let file = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? file.close() }
        guard let bytes = try? file.read(upToCount: 1 << 16),
            let facts = try? JSONDecoder().decode([String: String].self, from: bytes)
        else { return nil }
        self.facts = facts
    }

    func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try AtomicFile.write(Array(encoder.encode(facts)) + [UInt8(ascii: "\n")], to: path)
    }

    /// 64 bits over all facts.
    var fingerprint: Fingerprint {
        var result = Fingerprint()
        for (name, value) in facts.sorted(by: { $0.key < $1.key }) { result.add("\(name)=\(value)\n") }
        return result
    }

    /// `droid_100-0123456789abcdef`: readable, and one per key.
    var folderName: String {
        let name = (facts["dataset"] ?? "").utf8.suffix(64).map { byte in
            let isPlain =
                48...57 ~= byte || 65...90 ~= byte || 97...122 ~= byte || byte == UInt8(ascii: "_")
                || byte == UInt8(ascii: "-")
            return Character(Unicode.Scalar(isPlain ? byte : UInt8(ascii: "_")))
        }
        return String(name) + "-" + fingerprint.text
    }

    /// Names of the facts in which two keys differ.
    func differences(from other: FeatureKey) -> [String] {
        Set(facts.keys).union(other.facts.keys).filter { facts[$0] != other.facts[$0] }.sorted()
    }

    /// Names, sizes and times of files, so that replaced videos are noticed without reading them.
    private static func digest(of files: [(name: String, path: String)]) throws -> String {
        var digest = Fingerprint()
        for (name, path) in files {
            guard !path.isEmpty else {
                digest.add("\(name)\n")
                continue
            }
            var status = stat()
            guard stat(path, &status) == 0 else { throw FormatError.io(path: path, operation: "stat", code: errno) }
            digest.add("\(name) \(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)\n")
        }
        return "\(files.count), \(digest.text)"
    }
}

/// FNV-1a: tells things apart that nobody made alike on purpose.
struct Fingerprint: Equatable {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ text: String) {
        for byte in text.utf8 { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }

    /// 16 hexadecimal digits.
    var text: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
