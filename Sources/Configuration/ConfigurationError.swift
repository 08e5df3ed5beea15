import DataCore

/// What can be wrong with a configuration, as facts; `description` holds the wording.
public enum ConfigurationError: Error, Equatable, CustomStringConvertible {
    case unreadableFile(path: String, reason: String)
    case fileTooLarge(path: String, limitBytes: Int)
    /// libyaml's verdict on the syntax.
    case malformedYAML(at: ConfigLocation, problem: String)
    /// Well-formed YAML that is refused: foreign tags, aliases that multiply, nesting without end.
    case refusedYAML(at: ConfigLocation, problem: String)
    case duplicateKey(key: String, first: ConfigLocation, second: ConfigLocation)
    case unknownKey(path: String, at: ConfigLocation, nearest: String?)
    case unknownClass(path: String, at: ConfigLocation, got: String, known: [String])
    /// A name that is none of a list.
    case unknownName(path: String, at: ConfigLocation, got: String, known: [String], nearest: String?)
    case invalidValue(path: String, at: ConfigLocation, expected: String, got: String)
    /// Two settings that do not fit each other.
    case conflict(path: String, at: ConfigLocation, problem: String, remedy: String)
    /// A setting that is understood, which this build cannot run.
    case unavailable(path: String, at: ConfigLocation, got: String, remedy: String)
    case missingValue(path: String, remedy: String)
    /// A command line that cannot be read.
    case usage(argument: String, problem: String)

    public var description: String {
        switch self {
        case .unreadableFile(let path, let reason):
            "cannot read the configuration: \(path): \(reason)"
        case .fileTooLarge(let path, let limit):
            "cannot read the configuration: \(path): expected at most \(limit) bytes"
        case .malformedYAML(let location, let problem):
            "not valid YAML: \(location): \(problem)"
        case .refusedYAML(let location, let problem):
            "YAML refused: \(location): \(problem)"
        case .duplicateKey(let key, let first, let second):
            "duplicate key `\(printable(key))` at \(second): it is already set at \(first); keep one"
        case .unknownKey(let path, let location, let nearest):
            "unknown key `\(printable(path))` at \(location)" + (nearest.map { "; did you mean `\($0)`?" } ?? "")
        case .unknownClass(let path, let location, let got, let known):
            "unknown class for `\(path)` at \(location): expected \(known.joined(separator: " or ")), "
                + "got \(printable(got))" + NearestName.hint(lastPart(got), in: known.map(lastPart))
        case .unknownName(let path, let location, let got, let known, let nearest):
            "unknown name for `\(path)` at \(location): expected \(known.joined(separator: " or ")), "
                + "got \(printable(got))" + (nearest.map { "; did you mean `\($0)`?" } ?? "")
        case .invalidValue(let path, let location, let expected, let got):
            "invalid value for `\(path)` at \(location): expected \(expected), got \(got)"
        case .conflict(let path, let location, let problem, let remedy):
            "settings do not fit: `\(path)` at \(location): \(problem); \(remedy)"
        case .unavailable(let path, let location, let got, let remedy):
            "not in this build: `\(path)` at \(location): \(got); \(remedy)"
        case .missingValue(let path, let remedy):
            "missing value for `\(path)`: \(remedy)"
        case .usage(let argument, let problem):
            "command line: \(argument): \(problem)"
        }
    }

    /// A class's name without its module.
    private func lastPart(_ path: String) -> String { String(path.prefix(200).split(separator: ".").last ?? "") }

    /// Keys come from files as they are: one line of bounded length, without a terminal's control characters.
    private func printable(_ key: String) -> String {
        let shown = key.unicodeScalars.prefix(100).map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 }
        return String(String.UnicodeScalarView(shown)) + (key.unicodeScalars.count > 100 ? "..." : "")
    }
}
