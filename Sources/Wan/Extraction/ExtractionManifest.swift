import Formats
import Foundation

/// `latents/manifest.json`: what a dataset's latents were made of and how.
struct ExtractionManifest: Codable {
    struct Options: Codable {
        var video_keys: [String]
        var target_fps: Int?
        var frame_stride: Int?
        var height: Int?
        var width: Int?
        var wrist_height: Int?
        var wrist_width: Int?
        var max_episodes: Int?
        var episodes: [Int]?
        var text_pad: String
        var precision: String
    }

    struct Weights: Codable, Equatable {
        var vae: String
        var text_encoder: String
    }

    static let currentFormat = 1

    var format = currentFormat
    var dataset: String
    var checkpoint: String
    var options: Options
    var weights: Weights
    /// Files of episodes that are numbered by their places among files, by number: one more among them makes others of them
    /// all.
    var episodes: [String: String]?
    /// What the last run that ended has written and left out.
    var segments: Int?
    var left_out: [LeftOut]?

    init(_ files: LatentFiles, _ networks: ExtractionNetworks) {
        let options = files.options
        dataset = files.dataset.root
        checkpoint = options.checkpoint
        self.options = Options(
            video_keys: files.plan.cameras.map(\.key), target_fps: options.frames.targetFPS,
            frame_stride: options.frames.stride, height: options.size?.height, width: options.size?.width,
            wrist_height: options.size(of: "wrist")?.height, wrist_width: options.size(of: "wrist")?.width,
            max_episodes: options.maximumEpisodes, episodes: options.episodes?.sorted(),
            text_pad: options.textPadding.rawValue, precision: options.precision.rawValue)
        weights = Weights(
            vae: networks.vae.sampledFingerprint, text_encoder: networks.textEncoder.sampledFingerprint)
        let now = files.source.origins
        let earlier = options.overwrites ? nil : (try? Self.read(dataset))?.episodes
        let all = now.merging(earlier ?? [:]) { own, _ in own }
        episodes = all.isEmpty ? nil : all
    }

    static func path(_ dataset: String) -> String { "\(dataset)/latents/manifest.json" }

    /// The manifest of an earlier run; nil if there was none.
    /// - Throws: `ExtractionError.damagedManifest`.
    static func read(_ dataset: String) throws(ExtractionError) -> ExtractionManifest? {
        let path = path(dataset)
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        guard let data = try? Data(contentsOf: URL(fileURLWithPath: path)), data.count < 64 << 20,
            let manifest = try? JSONDecoder().decode(ExtractionManifest.self, from: data),
            manifest.format == currentFormat
        else { throw .damagedManifest(path: path) }
        return manifest
    }

    /// Checks that latents of this manifest and of `earlier` may lie side by side.
    /// - Throws: `ExtractionError.otherLatents`.
    func requireSame(as earlier: ExtractionManifest) throws(ExtractionError) {
        let path = Self.path(dataset)
        for (field, expected, got) in [
            ("weights.vae", weights.vae, earlier.weights.vae),
            ("weights.text_encoder", weights.text_encoder, earlier.weights.text_encoder),
            ("options.precision", options.precision, earlier.options.precision),
        ] where expected != got {
            throw .otherLatents(path: path, field: field, expected: expected, got: got)
        }
        let changed = (earlier.episodes ?? [:]).filter { number, file in episodes?[number].map { $0 != file } ?? false }
        if let (number, file) = changed.min(by: { (Int($0.key) ?? 0) < (Int($1.key) ?? 0) }) {
            throw .otherLatents(path: path, field: "episode \(number)", expected: episodes?[number] ?? "", got: file)
        }
    }

    /// - Throws: `FormatError.io`.
    func write() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try AtomicFile.write(Array(try encoder.encode(self)) + [0x0A], to: Self.path(dataset))
    }
}
