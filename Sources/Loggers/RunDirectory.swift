import Configuration
import Formats
import Foundation
import Reports

/// The folder of one run, with Lightning's names: `save_dir/name/version_N`.
public struct RunDirectory: Sendable, Equatable {
    public let path: String

    /// Creates the folder: with the configured version, or with the next number after those that are there.
    ///
    /// Two runs that start at once get two numbers, since creating a folder succeeds for one of them only.
    /// - Parameter defaultRoot: the folder for a logger without `save_dir`.
    /// - Throws: `LoggerError`; `FormatError` for folders above it that cannot be made.
    public static func create(
        for configuration: TensorBoardLoggerConfiguration, defaultRoot: String
    ) throws -> RunDirectory {
        let folder = Self.folder(saveDir: configuration.saveDir, name: configuration.name, defaultRoot: defaultRoot)
        return try create(in: folder, version: configuration.version)
    }

    /// The folder of a name's runs.
    static func folder(saveDir: String?, name: String?, defaultRoot: String) -> String {
        var folder = URL(fileURLWithPath: saveDir ?? defaultRoot)
        if let name, !name.isEmpty { folder.appendPathComponent(name) }
        return folder.path
    }

    /// The same in the folder of a name's runs.
    static func create(in path: String, version: String?) throws -> RunDirectory {
        let folder = URL(fileURLWithPath: path)
        try Folder.create(folder.path)
        if let version, !version.isEmpty {
            let isNumber = version.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            let path = folder.appendingPathComponent(isNumber ? "version_\(version)" : version).path
            try Folder.create(path)
            return RunDirectory(path: path)
        }
        for _ in 0..<1_000 {
            let path = folder.appendingPathComponent("version_\(RunVersion.newest(in: folder.path) + 1)").path
            if mkdir(path, 0o777) == 0 { return RunDirectory(path: path) }
            guard errno == EEXIST else { throw LoggerError.io(path: path, operation: "create", code: errno) }
        }
        throw LoggerError.noFreeVersion(folder: folder.path)
    }
}
