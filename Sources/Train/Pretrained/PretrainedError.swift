import LAMData

/// Why the files of a frozen, pretrained encoder cannot be had.
public enum PretrainedError: Error, Equatable, CustomStringConvertible {
    /// - Parameters:
    ///   - what: the encoder, and which of its files.
    ///   - lookedFor: every place that would have done, best first.
    ///   - download: what brings the file to the first of them.
    ///   - option: the option that takes a path instead; nil where the file must lie beside another one.
    case missing(what: String, lookedFor: [String], download: String, option: String?)
    /// An option's value that is neither a file, nor a folder, nor the name of a hub repository.
    case unusable(option: String, value: String, problem: String)
    /// A folder without any file of a known name.
    case noWeights(option: String, folder: String, names: [String])

    public var description: String {
        switch self {
        case .missing(let what, let lookedFor, let download, let option):
            "missing pretrained file: \(what): expected \(lookedFor.joined(separator: " or ")), got none; \(download)"
                + (option.map { ", or give a file's path as \($0)" } ?? "")
        case .unusable(let option, let value, let problem):
            "cannot use pretrained weights: \(option) \(value.debugDescription): \(problem); expected an existing file or "
                + "folder, or a hub repository as org/name or org/name@revision"
        case .noWeights(let option, let folder, let names):
            "no pretrained weights: \(option): \(folder): expected \(names.joined(separator: " or ")), got none"
        }
    }
}
