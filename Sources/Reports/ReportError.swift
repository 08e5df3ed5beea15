/// Why a run cannot be shown.
public enum ReportError: Error, Equatable, CustomStringConvertible {
    /// No record of values in a folder.
    case noRun(path: String)
    /// A file that is there cannot be read.
    case unreadable(path: String, reason: String)
    /// A record without a value that could be drawn.
    case noValues(path: String)
    /// A page of curves is to be written in a format that there is no writer of.
    case unknownPictureFormat(path: String)

    public var description: String {
        switch self {
        case .noRun(let path):
            "cannot show a run: \(path): expected a run's folder with \(RunLog.fileName), found none; give "
                + "logs/NAME/version_N"
        case .unreadable(let path, let reason):
            "cannot show a run: \(path): \(reason)"
        case .unknownPictureFormat(let path):
            "cannot write curves: \(path): expected a name that ends in .svg or .png, got another; rename it"
        case .noValues(let path):
            "cannot show a run: \(path): expected values, found none; wait for its first logged step"
        }
    }
}
