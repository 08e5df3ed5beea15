/// What can be wrong with writing a dataset. What is wrong with the source stays a `DataError`.
public enum ConversionError: Error, Sendable, Equatable {
    /// The destination is there already.
    case exists(path: String)
    /// The destination lies in what is read.
    case insideSource(path: String, source: String)
    /// An unfinished conversion of something else is in the way.
    case otherConversion(path: String, what: String)
    case invalidOption(name: String, expected: String, got: String)
    /// Segments that do not fit the episodes.
    case segments(path: String, episode: Int, expected: String, got: String)
    case video(path: String, reason: String)
    /// A file of the new dataset could not be written.
    case unwritable(path: String, reason: String)
    /// A feature to be left out that is not there, or that every dataset has.
    case unknownColumn(dataset: String, column: String, known: [String])
    /// Something that the target format has no form for.
    case unsupported(dataset: String, what: String)
}

extension ConversionError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .exists(let path):
            "destination exists: \(path): expected nothing there; remove it or name another"
        case .insideSource(let path, let source):
            "destination inside its source: \(path): expected a place outside of \(source); name another"
        case .otherConversion(let path, let what):
            "unfinished conversion in the way: \(path): it differs in \(what); remove it, or repeat the command that "
                + "began it"
        case .invalidOption(let name, let expected, let got):
            "invalid option: \(name): expected \(expected), got \(got)"
        case .segments(let path, let episode, let expected, let got):
            "segments do not fit: \(path): episode \(episode): expected \(expected), got \(got)"
        case .video(let path, let reason):
            "cannot write video: \(path): \(reason)"
        case .unwritable(let path, let reason):
            "cannot write: \(path): \(reason)"
        case .unknownColumn(let dataset, let column, let known):
            "no such column: dataset \(dataset): expected one of \(known.joined(separator: ", ")), got \(column)"
        case .unsupported(let dataset, let what):
            "cannot convert: dataset \(dataset): \(what)"
        }
    }
}
