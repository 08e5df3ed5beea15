import Foundation

/// How someone looks at a run's record: the program that reads it, and the command that shows it or the file that it is.
public struct LogReading: Sendable, Equatable {
    public let reader: String
    public let what: String

    public init(_ reader: String, _ what: String) { (self.reader, self.what) = (reader, what) }
}

/// A path as it is told and copied: from the current folder where it lies below, quoted where a shell would cut it.
public struct ShownPath: CustomStringConvertible {
    public let description: String

    public init(_ path: String, from folder: String = FileManager.default.currentDirectoryPath) {
        let isBelow = path.hasPrefix(folder + "/") && path.utf8.count > folder.utf8.count + 1
        let shown = isBelow ? String(path.dropFirst(folder.count + 1)) : path
        let isPlain = shown.allSatisfy { $0.isLetter || $0.isNumber || "/._-+=:,@%".contains($0) }
        description = isPlain ? shown : "'" + shown.replacing("'", with: "'\\''") + "'"
    }
}
