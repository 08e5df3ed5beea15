import Foundation

/// What stops an extraction as a whole; what is wrong with single segments is a `LeftOut`.
public enum ExtractionError: Error, Equatable, Sendable {
    case option(name: String, expected: String, got: String)
    case noCheckpoint(path: String)
    /// - Parameter tried: paths below `folder`.
    case missingFile(folder: String, what: String, tried: [String])
    case noEpisodes(dataset: String, asked: String)
    /// Latents are there that were made otherwise.
    case otherLatents(path: String, field: String, expected: String, got: String)
    case damagedManifest(path: String)
    /// A signal asked to end; what is done stays.
    case interrupted
}

extension ExtractionError: CustomStringConvertible, LocalizedError {
    public var errorDescription: String? { description }

    public var description: String {
        switch self {
        case .option(let name, let expected, let got): "bad option: \(name): expected \(expected), got \(got)"
        case .noCheckpoint(let path):
            "no weights: \(path): expected the folder of Wan2.2-TI2V-5B, got none; check --ckpt_dir"
        case .missingFile(let folder, let what, let tried):
            "no \(what): \(folder): expected \(tried.joined(separator: " or ")), got none; download it from "
                + "huggingface.co/Wan-AI/Wan2.2-TI2V-5B"
        case .noEpisodes(let dataset, let asked):
            "nothing to do: dataset \(dataset) has none of the episodes \(asked)"
        case .otherLatents(let path, let field, let expected, let got):
            "latents that were made otherwise: \(path): \(field): expected \(expected), got \(got); give --overwrite "
                + "without --episodes and --max_episodes to make all anew, or move them away"
        case .damagedManifest(let path):
            "cannot read manifest: \(path): expected what an earlier run wrote; give --overwrite to make all latents anew"
        case .interrupted: "interrupted"
        }
    }
}

/// A segment that no latents were made of, and why.
public struct LeftOut: Sendable, Hashable, Codable {
    public enum Cause: String, Sendable, Codable, CaseIterable {
        case noActionConfig = "no action_config"
        case badSegment = "bad segment"
        case longText = "text too long"
        case badSize = "bad frame size"
        case missingVideo = "missing video"
        case badVideo = "bad video"
    }

    public var cause: Cause
    /// -1 for files that are no episode, because they cannot be read.
    public var episode: Int
    /// Nil where no camera of the episode could be encoded.
    public var camera: String?
    /// `start_end` as in file names; nil where the episode has no segments.
    public var segment: String?
    public var reason: String

    public init(_ cause: Cause, episode: Int, camera: String? = nil, segment: String? = nil, reason: String) {
        self.cause = cause
        self.episode = episode
        self.camera = camera
        self.segment = segment
        self.reason = reason
    }
}
