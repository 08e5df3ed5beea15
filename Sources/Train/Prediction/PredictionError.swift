/// Why latent actions are not written.
public enum PredictionError: Error, Equatable, CustomStringConvertible {
    /// The folder has latent actions that were made in another way.
    case otherLabels(path: String, what: String, expected: String, got: String)
    /// The folder's description cannot be read.
    case unreadableDescription(path: String)
    /// Two datasets of the mix would write to one folder.
    case sameFolder(name: String)

    public var description: String {
        switch self {
        case .otherLabels(let path, let what, let expected, let got):
            "cannot go on with latent actions: \(path): \(what): expected \(expected), got \(got); "
                + "give another --output, or remove the folder"
        case .unreadableDescription(let path):
            "cannot go on with latent actions: \(path): expected a description of them, got something else; "
                + "give another --output, or remove the folder"
        case .sameFolder(let name):
            "cannot write latent actions: data.dataset_mix: expected datasets of different names, got \(name) twice; "
                + "label them one at a time with different --output"
        }
    }
}
