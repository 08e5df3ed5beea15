import DataCore
import Foundation

/// A file that lists episodes.
enum EpisodeFile {
    /// - Parameter dataset: of a JSON object the member counts whose name is the dataset's, or is in it.
    /// - Throws: `DataError`.
    static func ranges(at path: String, dataset: String) throws -> [EpisodeRange] {
        let path = NSString(string: path).expandingTildeInPath
        let file = try MetadataFile(path: path, purpose: "a list of episodes")
        guard
            file.bytes.first(where: { $0 > 0x20 }).map({ [UInt8(ascii: "["), UInt8(ascii: "{")].contains($0) }) == true
        else { return try lines(file, path) }
        var list = try file.document()
        if case .object(let members) = list {
            let name = dataset.lowercased()
            guard
                let own = members.first(where: { $0.key == dataset })
                    ?? members.first(where: {
                        !$0.key.isEmpty && name.contains($0.key.lowercased())
                    })
            else { return [] }
            list = own.value
        }
        guard let entries = list.array else { throw file.invalid("episodes", "a list", list) }
        return try entries.map { entry in
            if let number = entry.int, number >= 0 { return EpisodeRange(number) }
            guard let range = entry.string.flatMap({ EpisodeRange($0) }) else {
                throw file.invalid("episodes", "numbers and ranges such as \"3:10\"", entry)
            }
            return range
        }
    }

    private static func lines(_ file: MetadataFile, _ path: String) throws -> [EpisodeRange] {
        guard let text = String(validating: file.bytes, as: UTF8.self) else {
            throw DataError.invalidField(
                path: path, line: nil, field: "episodes", expected: "text in UTF-8", got: "other bytes")
        }
        var ranges: [EpisodeRange] = []
        for (place, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let words = line.prefix { $0 != "#" }.split { $0 == "," || $0.isWhitespace }
            for word in words {
                guard let range = EpisodeRange(String(word)) else {
                    throw DataError.invalidField(
                        path: path, line: place + 1, field: "episodes", expected: "numbers and ranges such as 3:10",
                        got: String(word))
                }
                ranges.append(range)
            }
        }
        return ranges
    }
}
