import Configuration
import Foundation
import LAMData

/// Finds the files of frozen, pretrained encoders: where an option says, or where the usual downloaders put them.
public struct PretrainedFiles: Sendable {
    /// What a text encoder is made of.
    public struct TextEncoderFiles: Sendable, Hashable {
        public var weights: String
        /// A SentencePiece model.
        public var vocabulary: String

        public init(weights: String, vocabulary: String) {
            self.weights = weights
            self.vocabulary = vocabulary
        }
    }

    private let hub: HubCache
    /// Where `torch.hub` keeps weights.
    private let torchCheckpoints: String
    private let folders: CacheFolders

    private static let visionOption = "model.vision_encoder_weights"
    private static let textOption = "model.text_encoder_weights"
    private static let vocabularyName = "spiece.model"
    /// By falling preference, in a folder and in a hub repository.
    private static let weightNames = ["model.safetensors", "pytorch_model.bin"]
    /// The repository under its present and its first name; caches have either.
    private static let t5Repositories = ["google-t5/t5-base", "t5-base"]

    /// - Parameter environment: the variables of the process: those of `HubCache`, and `TORCH_HOME`.
    public init(environment: [String: String]) {
        folders = CacheFolders(environment: environment)
        hub = HubCache(environment: environment)
        torchCheckpoints = "\(folders["TORCH_HOME"] ?? "\(folders.cache)/torch")/hub/checkpoints"
    }

    /// The weights of a vision encoder.
    ///
    /// - Parameter value: of `model.vision_encoder_weights`: a file, a folder that holds one of the known names, a hub
    ///   repository (`org/name`, `org/name@revision`), or nil for the encoder's own place: the hub's cache for DINOv3,
    ///   torch.hub's or the hub's cache for DINOv2.
    /// - Returns: nil for `pixels`, which has no weights.
    /// - Throws: `PretrainedError`, or `DataError` for a file without its content.
    public func visionEncoder(_ encoder: VisionEncoderChoice, weights value: String?) throws -> String? {
        let what = "weights of \(encoder.rawValue)"
        switch encoder.source {
        case nil: return nil
        case .hub(let repositories):
            if let value { return try given(value, option: Self.visionOption, names: Self.weightNames).weights }
            return try inHub(repositories, names: ["model.safetensors"], what: what, option: Self.visionOption).path
        case .torchHub(let name, let folder, let repositories):
            if let value {
                return try given(value, option: Self.visionOption, names: [name] + Self.weightNames).weights
            }
            let path = "\(torchCheckpoints)/\(name)"
            guard FileManager.default.fileExists(atPath: path) else {
                let cached = try? inHub(
                    repositories, names: ["model.safetensors"], what: what, option: Self.visionOption)
                if let cached { return cached.path }
                throw PretrainedError.missing(
                    what: what, lookedFor: [path],
                    download: "download \(folder)/\(name) to there (TORCH_HOME names another folder)",
                    option: Self.visionOption)
            }
            try MetadataFile.requireContent(path: path, purpose: what)
            return path
        }
    }

    /// The weights and the vocabulary of T5-base.
    ///
    /// - Parameter value: of `model.text_encoder_weights`, as for `visionEncoder(_:weights:)`; nil takes `t5-base` from
    ///   the hub's cache. The vocabulary `spiece.model` lies beside the weights; for a file without one, and only
    ///   then, the hub's cache is asked, too.
    /// - Throws: `PretrainedError`, or `DataError` for a file without its content.
    public func t5Base(weights value: String?) throws -> TextEncoderFiles {
        guard let value else {
            let weights = try inHub(
                Self.t5Repositories, names: Self.weightNames, what: "weights of t5-base", option: Self.textOption)
            let vocabulary = try inHub(
                [weights.repository] + Self.t5Repositories.filter { $0 != weights.repository },
                names: [Self.vocabularyName], what: "vocabulary of t5-base", option: nil)
            return TextEncoderFiles(weights: weights.path, vocabulary: vocabulary.path)
        }
        let weights = try given(value, option: Self.textOption, names: Self.weightNames)
        if let repository = weights.repository {
            return TextEncoderFiles(
                weights: weights.weights,
                vocabulary: try inHub([repository], names: [Self.vocabularyName], what: "vocabulary", option: nil).path)
        }
        let folder = URL(fileURLWithPath: weights.weights).deletingLastPathComponent().path
        let beside = "\(folder)/\(Self.vocabularyName)"
        if FileManager.default.fileExists(atPath: beside) {
            try MetadataFile.requireContent(path: beside, purpose: "a SentencePiece vocabulary")
            return TextEncoderFiles(weights: weights.weights, vocabulary: beside)
        }
        let vocabulary = try inHub(
            Self.t5Repositories, names: [Self.vocabularyName], what: "vocabulary of t5-base", option: nil,
            lookedBefore: [beside])
        return TextEncoderFiles(weights: weights.weights, vocabulary: vocabulary.path)
    }

    // MARK: Places

    /// Weights that an option names, and the hub repository they are from, if they are.
    private func given(
        _ value: String, option: String, names: [String]
    ) throws -> (weights: String, repository: String?) {
        let path = folders.expandingHome(value)
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
            guard isFolder.boolValue else {
                try MetadataFile.requireContent(path: path, purpose: "pretrained weights")
                return (path, nil)
            }
            let candidates = names.map { "\(path)/\($0)" }
            guard let file = candidates.first(where: { FileManager.default.fileExists(atPath: $0) }) else {
                throw PretrainedError.noWeights(option: option, folder: path, names: names)
            }
            try MetadataFile.requireContent(path: file, purpose: "pretrained weights")
            return (file, nil)
        }
        guard !Self.isMeantAsPath(value) else {
            throw PretrainedError.unusable(option: option, value: value, problem: "there is no such file")
        }
        do {
            _ = try HubRepository(value)
        } catch DataError.invalidHubName {
            throw PretrainedError.unusable(
                option: option, value: value, problem: "there is no such file, and no repository has such a name")
        }
        return (try inHub([value], names: names, what: "weights of \(value)", option: option).path, value)
    }

    /// `./model`, `/data/model` or `weights.pth`, none of which a missing repository is called.
    private static func isMeantAsPath(_ value: String) -> Bool {
        let isRooted = ["/", "./", "../", "~"].contains { value.hasPrefix($0) }
        return isRooted || [".safetensors", ".bin", ".pth", ".pt", ".ckpt"].contains { value.hasSuffix($0) }
    }

    /// The first of `names` in the first of `repositories` that has one.
    private func inHub(
        _ repositories: [String], names: [String], what: String, option: String?, lookedBefore: [String] = []
    ) throws -> (path: String, repository: String) {
        var lookedFor = lookedBefore
        for text in repositories {
            let repository = try HubRepository(text)
            for name in names {
                do {
                    return (try hub.path(of: name, in: repository), text)
                } catch DataError.missingHubFile(_, _, let place) {
                    if !lookedFor.contains(place) { lookedFor.append(place) }
                }
            }
        }
        let command = try HubRepository(repositories[0]).downloadCommand(file: names[0])
        throw PretrainedError.missing(
            what: what, lookedFor: lookedFor,
            download: "run `\(command)` (HF_HUB_CACHE or HF_HOME name another cache)", option: option)
    }
}
