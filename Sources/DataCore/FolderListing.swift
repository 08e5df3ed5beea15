import Foundation

/// The names in a folder, also those that Foundation passes over without a word because they are not UTF-8.
package struct FolderListing: Sendable {
    /// A name that is not UTF-8, which a path of this program cannot hold.
    package struct Foreign: Sendable, Equatable {
        /// With an escape in the place of each byte that is no printable ASCII: `caf\xE9.mp4`.
        package let name: String
        package let isFolder: Bool
    }

    /// In no order, without `.` and `..`.
    package private(set) var names: [String] = []
    package private(set) var foreign: [Foreign] = []

    /// - Throws: `DataError.unreadableFile` for a folder that cannot be read.
    package init(_ path: String) throws {
        func failure() -> DataError { .unreadableFile(path: path, reason: String(cString: strerror(errno))) }
        guard let folder = opendir(path) else { throw failure() }
        defer { closedir(folder) }
        while true {
            errno = 0
            guard let entry = readdir(folder) else {
                guard errno == 0 else { throw failure() }
                break
            }
            let bytes = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if bytes == [0x2E] || bytes == [0x2E, 0x2E] { continue }
            if let name = String(validating: bytes, as: UTF8.self) {
                names.append(name)
            } else {
                foreign.append(
                    Foreign(name: Self.escaped(bytes), isFolder: Int32(entry.pointee.d_type) == Int32(DT_DIR)))
            }
        }
        foreign.sort { $0.name < $1.name }
    }

    private static func escaped(_ bytes: [UInt8]) -> String {
        bytes.map { byte in
            (0x20..<0x7F).contains(byte)
                ? String(UnicodeScalar(byte))
                : "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }.joined()
    }
}

extension DataError {
    /// A file that cannot be read because its name is not UTF-8.
    package static func foreignName(_ name: FolderListing.Foreign, in folder: String) -> DataError {
        .unreadableFile(
            path: "\(folder)/\(name.name)",
            reason: "its name is not UTF-8; rename it, for example with convmv -f latin1 -t utf8 --notest")
    }
}
