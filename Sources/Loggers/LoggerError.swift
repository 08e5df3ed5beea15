import Foundation

/// What can keep a run from being recorded.
public enum LoggerError: Error, Equatable, CustomStringConvertible {
    /// A system call failed; `code` is its `errno`.
    case io(path: String, operation: String, code: Int32)
    /// Other processes took every version number that was tried.
    case noFreeVersion(folder: String)

    public var description: String {
        switch self {
        case .io(let path, let operation, let code):
            "cannot \(operation) log: \(path): \(String(cString: strerror(code)))"
        case .noFreeVersion(let folder):
            "cannot create a run folder: \(folder): every version_N that was tried is taken; set the logger's version"
        }
    }
}
