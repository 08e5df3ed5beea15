import DataCore
import Foundation

/// The instruction of a clip: a text beside it, `NAME.txt`, or `NAME.json` with a text or an object that has one.
enum Sidecar {
    /// Names of the member that holds the instruction; the first that is there counts.
    static let members = ["instruction", "text", "caption", "task", "language_instruction", "prompt"]

    /// - Parameter clip: path of a video or of a folder of pictures.
    /// - Returns: the text, nil where there is none; and what is odd.
    /// - Throws: `DataError` for text that is not UTF-8 and for JSON that is none.
    static func instruction(of clip: String, isFolder: Bool) throws -> (text: String?, note: String?) {
        let stem = isFolder ? clip : URL(fileURLWithPath: clip).deletingPathExtension().path
        for path in ["\(stem).txt", "\(clip).txt"] where FileManager.default.fileExists(atPath: path) {
            guard let bytes = FileManager.default.contents(atPath: path) else {
                throw DataError.unreadableFile(path: path, reason: "cannot be opened")
            }
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw DataError.invalidField(
                    path: path, line: nil, field: "instruction", expected: "text in UTF-8", got: "other bytes")
            }
            return (cleaned(text), nil)
        }
        for path in ["\(stem).json", "\(clip).json"] where FileManager.default.fileExists(atPath: path) {
            let document = try MetadataFile(path: path, purpose: "an instruction").document()
            if let text = text(document) { return (cleaned(text), nil) }
            return (
                nil,
                "\(path) has no instruction: expected a text, or an object with one of "
                    + members.joined(separator: ", ")
            )
        }
        return (nil, nil)
    }

    private static func text(_ json: JSON) -> String? {
        if let text = json.string ?? json.array?.first?.string { return text }
        return members.lazy.compactMap { json[$0] }.compactMap { $0.string ?? $0.array?.first?.string }.first
    }

    private static func cleaned(_ text: String) -> String? {
        let bare = text.hasPrefix("\u{FEFF}") ? String(text.dropFirst()) : text
        let lines = bare.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
        let joined = lines.filter { !$0.isEmpty }.joined(separator: " ")
        return joined.isEmpty ? nil : joined
    }
}
