/// Why latent actions are not written.
public enum PredictionError: Error, Equatable, CustomStringConvertible {
    /// The folder has latent actions that were made in another way.
    case otherLabels(path: String, what: String, expected: String, got: String)
    /// The folder's description cannot be read.
    case unreadableDescription(path: String)
    /// A file of latent actions does not hold what was written there.
    case unreadableLabels(path: String, expected: String, got: String)
    /// Two datasets of the mix would write to one folder.
    case sameFolder(name: String)
    /// The destination of a merge is there already.
    case destinationExists(path: String)
    /// The folder that a merge grows in is somebody else's.
    case foreignPartial(path: String)
    /// The destination of a merge lies in one of its datasets.
    case destinationInside(path: String, dataset: String)
    /// A merge of something else than a LeRobot dataset.
    case notLeRobot(dataset: String)
    /// Codes were asked for of latents that are none.
    case noCodes(bottleneck: String)
    /// The dataset has a feature of that name.
    case featureExists(dataset: String, root: String, feature: String)
    /// A merge of files that are not read back.
    case writeOnly(format: String)
    /// Copies of whole datasets are wanted, and labels of some episodes.
    case chosenEpisodes(options: String)

    public var description: String {
        switch self {
        case .otherLabels(let path, let what, let expected, let got):
            "cannot go on with latent actions: \(path): \(what): expected \(expected), got \(got); "
                + "give another --output, or remove the folder"
        case .unreadableDescription(let path):
            "cannot go on with latent actions: \(path): expected a description of them, got something else; "
                + "give another --output, or remove the folder"
        case .unreadableLabels(let path, let expected, let got):
            "cannot read latent actions: \(path): expected \(expected), got \(got); remove the file, and the same "
                + "command makes it again"
        case .sameFolder(let name):
            "cannot write latent actions: data.dataset_mix: expected datasets of different names, got \(name) twice; "
                + "label them one at a time with different --output"
        case .destinationExists(let path):
            "cannot merge latent actions: \(path): expected nothing there, got a file or folder; remove it, or give "
                + "another --merge"
        case .foreignPartial(let path):
            "cannot merge latent actions: \(path): expected nothing there or what an interrupted merge has left, got "
                + "something else; remove it, or give another --merge"
        case .destinationInside(let path, let dataset):
            "cannot merge latent actions: \(path): expected a place outside of the datasets, got one in \(dataset); "
                + "give another --merge"
        case .notLeRobot(let dataset):
            "cannot merge latent actions: dataset \(dataset): expected a LeRobot dataset, got another format; make one with "
                + "lam convert first, and label that"
        case .noCodes(let bottleneck):
            "cannot write latent actions: --latents: expected vectors for the continuous latents of \(bottleneck), got "
                + "codes or both; leave it out"
        case .featureExists(let dataset, let root, let feature):
            "cannot merge latent actions: dataset \(dataset): \(root)/meta/info.json: expected no feature \(feature), "
                + "got one; label the dataset that it was merged into"
        case .writeOnly(let format):
            "cannot merge latent actions: --format: expected parquet or jsonl, got \(format); merge with one of these, and write "
                + "\(format) to another --output"
        case .chosenEpisodes(let options):
            "cannot merge latent actions: --merge: expected all episodes, got data.\(options); leave one of them out"
        }
    }
}
