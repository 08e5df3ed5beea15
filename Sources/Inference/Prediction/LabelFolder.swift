import Formats
import Foundation
import LAMTrain
import Loggers

/// The latent actions of one dataset: `latent_actions.json`, which says how they were made, and a file per episode,
/// `chunk-000/episode_000012.parquet`. An episode whose file is there is complete.
struct LabelFolder {
    /// How latent actions were made. Files of a folder agree in all of it but `checkpoint`.
    struct Description: Codable, Equatable {
        var dataset: String
        var camera: String
        var fps: Double
        /// Frames that a pair spans.
        var window: Int
        var pad_at_end: String
        var resolution: Int
        var crop: String
        /// Options of `data` that change what pictures or episodes are, where they are not as by default.
        var data: String?
        var checkpoint: String
        var step: Int
        /// Digest of the model's weights, and fingerprints of frozen encoders.
        var weights: String
        var encoders: [String: String]
        var precision: String
        var stage: String
        /// 0 where latents are continuous.
        var codes: Int
        /// Latents of a pair, whether they are codes or not.
        var codes_per_pair: Int
        var latent_dim: Int
        var has_embeddings: Bool
        var format: String
        /// What an episode was when it was labelled, by its number: frames of it, its file where the number is its place
        /// among files, and of a folder of videos the parts that its table names. Nil in folders of older versions.
        var episodes: [String: String]?
    }

    static let descriptionName = "latent_actions.json"
    /// Episodes of a chunk, as LeRobot has them.
    private static let chunk = 1000

    let path: String
    let format: any LabelFormat

    /// - Parameters:
    ///   - camera: for a dataset that is labelled by several.
    init(output: String, dataset: String, camera: String?, format: any LabelFormat) {
        path = Self.folder(of: dataset + (camera.map { "/" + $0 } ?? ""), below: output)
        self.format = format
    }

    init(path: String, format: any LabelFormat) { (self.path, self.format) = (path, format) }

    /// The folder that is named for a dataset, whose name may have slashes.
    static func folder(of name: String, below folder: String) -> String {
        // A name is no way out of the folder.
        let parts = name.split(separator: "/").filter { $0 != ".." && $0 != "." }
        return ([folder] + parts.map(String.init)).joined(separator: "/")
    }

    /// Makes the folder, or makes sure that what is in it was made in the same way.
    ///
    /// - Throws: `PredictionError`; `LoggerError` and `FormatError` of the disk.
    func open(_ description: Description) throws {
        let file = "\(path)/\(Self.descriptionName)"
        if FileManager.default.fileExists(atPath: file) {
            let content = (try? Data(contentsOf: URL(fileURLWithPath: file))) ?? Data()
            guard var found = try? JSONDecoder().decode(Description.self, from: content) else {
                throw PredictionError.unreadableDescription(path: file)
            }
            found.checkpoint = description.checkpoint
            let (before, now) = (found.episodes ?? [:], description.episodes ?? [:])
            // Others may have been added, or be chosen now.
            let both = before.merging(now) { old, _ in old }
            found.episodes = now
            if found == description {
                if let number = now.keys.sorted(by: { (Int($0) ?? 0) < (Int($1) ?? 0) }).first(where: {
                    both[$0] != now[$0]
                }) {
                    throw PredictionError.otherLabels(
                        path: file, what: "episode \(number)", expected: now[number] ?? "", got: both[number] ?? "")
                }
                guard before != both else { return }
                var description = description
                description.episodes = both
                return try write(description, to: file)
            }
            let (old, new) = (Self.facts(found), Self.facts(description))
            let what = new.keys.sorted().first { old[$0] != new[$0] } ?? "description"
            throw PredictionError.otherLabels(
                path: file, what: what, expected: new[what] ?? "nothing", got: old[what] ?? "nothing")
        }
        try Folder.create(path)
        try write(description, to: file)
    }

    private func write(_ description: Description, to file: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try AtomicFile.write([UInt8](encoder.encode(description)) + [0x0A], to: file)
    }

    private static func facts(_ description: Description) -> [String: String] {
        Dictionary(
            Mirror(reflecting: description).children.map { ($0.label ?? "", "\($0.value)") },
            uniquingKeysWith: { first, _ in first })
    }

    func file(episode: Int) -> String { "\(folder(episode: episode))/\(name(episode, digits: 6))" }

    func isComplete(episode: Int) -> Bool { FileManager.default.fileExists(atPath: file(episode: episode)) }

    func write(_ labels: EpisodeLabels, columns: LabelColumns) throws {
        try Folder.create(folder(episode: labels.episode))
        try format.write(labels, columns: columns, to: file(episode: labels.episode))
    }

    /// What `write` has written.
    func rows(episode: Int, columns: LabelColumns) throws -> [EpisodeLabels.Row] {
        try format.rows(of: file(episode: episode), columns: columns)
    }

    private func folder(episode: Int) -> String {
        "\(path)/chunk-" + String(format: "%03d", episode / Self.chunk)
    }

    private func name(_ episode: Int, digits: Int) -> String {
        "episode_" + String(format: "%0\(digits)d", episode) + "." + format.fileExtension
    }
}
