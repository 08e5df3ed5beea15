import Formats
import Foundation

/// Arguments that are places on this disk.
enum PathArgument {
    /// A shell leaves `~` as it is where it is quoted or follows a `=`.
    @Sendable static func read(_ argument: String) -> String { HomeFolder.expanding(argument) }

    /// Where a file goes that is written to `place`: into it, where that is a folder.
    static func file(_ name: String, at place: String) -> String {
        var isFolder: ObjCBool = false
        let isThere = FileManager.default.fileExists(atPath: place, isDirectory: &isFolder)
        return isThere && isFolder.boolValue ? "\(place)/\(name)" : place
    }
}
