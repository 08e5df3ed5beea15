import Formats
import Foundation
import LAMData
import LatentEvaluation

/// A small map from latents to actions, as `lam probe fit` writes it: JSON.
public struct ActionReadout: Codable, Equatable, Sendable {
    /// A file that is larger is none.
    private static let largestFile = 64 << 20
    private static let widths = 1...65_536

    /// Digest of the model's weights whose latents are read, the frames that a pair spans, and the dataset it was fitted to.
    public var weights: String
    public var window: Int
    public var dataset: String
    /// Numbers in the latents of a pair.
    public var latent_width: Int
    public var action_width: Int
    public var episodes: Int
    public var pairs: Int
    public var ridge: Double
    /// On episodes that were held out in turn: of each number of an action, null where it does not vary; and their mean.
    public var held_out_r2: [Double?]
    public var held_out_r2_mean: Double
    /// `action = offset + weights^T latents`: a row for each latent number.
    public var matrix: [[Double]]
    public var offset: [Double]

    /// Fits labels of a dataset to its actions at the first frame of each pair.
    ///
    /// - Parameters:
    ///   - labels: folder of the dataset's labels with vectors, as `lam predict --latents vectors` writes it.
    /// - Throws: `TransferError`; what reading labels and rows throws.
    public init(labels: String, dataset: LeRobotDataset) throws {
        let folder = try StoredLabels(labels)
        let (description, readers) = (folder.description, SharedReaders(pool: ReaderPool()))
        var readout: LinearReadout?
        var number = 0
        for (place, episode) in dataset.episodes.enumerated() {
            guard let rows = try folder.rows(episode: episode.episodeIndex) else { continue }
            guard let actions = try dataset.actions(episode: place, from: readers), let first = actions.first else {
                throw TransferError.noActions(dataset: dataset.name)
            }
            var made = readout ?? LinearReadout(inputs: folder.width, outputs: first.count)
            var added = false
            for row in rows where actions.indices.contains(row.frame) && actions[row.frame].allSatisfy(\.isFinite) {
                guard actions[row.frame].count == first.count else { continue }
                made.add(episode: number, try folder.vector(row), actions[row.frame])
                added = true
            }
            readout = made
            if added { number += 1 }
        }
        guard let readout, let found = readout.fit() else {
            throw TransferError.tooFewEpisodes(
                labels: labels, dataset: dataset.name, episodes: readout?.episodeCount ?? 0)
        }
        let known = found.r2.compactMap { $0 }
        guard !known.isEmpty else { throw TransferError.constantActions(dataset: dataset.name) }
        weights = description.weights
        window = description.window
        self.dataset = dataset.name
        latent_width = folder.width
        action_width = found.map.offset.count
        episodes = readout.episodeCount
        pairs = readout.pairs
        ridge = found.ridge
        held_out_r2 = found.r2
        held_out_r2_mean = known.reduce(0, +) / Double(known.count)
        let width = found.map.offset.count
        matrix = (0..<folder.width).map { Array(found.map.weights[$0 * width..<($0 + 1) * width]) }
        offset = found.map.offset
    }

    /// Reads a file that `write` has written.
    ///
    /// - Throws: `TransferError.unreadable`.
    public init(path: String) throws {
        do {
            let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
            guard size <= Self.largestFile else {
                throw TransferError.unreadable(
                    path: path, reason: "\(size) bytes, expected at most \(Self.largestFile)")
            }
            self = try JSONDecoder().decode(Self.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
        } catch let error as TransferError {
            throw error
        } catch {
            throw TransferError.unreadable(path: path, reason: "expected what lam probe fit has written")
        }
        guard Self.widths.contains(latent_width), Self.widths.contains(action_width), matrix.count == latent_width,
            matrix.allSatisfy({ $0.count == action_width && $0.allSatisfy(\.isFinite) }), offset.count == action_width,
            offset.allSatisfy(\.isFinite), held_out_r2_mean.isFinite
        else {
            throw TransferError.unreadable(
                path: path, reason: "expected finite numbers, \(latent_width) rows of \(action_width)")
        }
    }

    public func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try AtomicFile.write([UInt8](try encoder.encode(self)) + [0x0A], to: path)
    }

    /// The actions of latents.
    func callAsFunction(_ latents: [Double]) -> [Double] {
        zip(latents, matrix).reduce(into: offset) { action, part in
            for place in action.indices { action[place] += part.0 * part.1[place] }
        }
    }
}

/// Why latents are not turned into actions.
public enum TransferError: Error, Equatable, CustomStringConvertible {
    case noLabels(path: String)
    case noVectors(path: String)
    case noActions(dataset: String)
    case tooFewEpisodes(labels: String, dataset: String, episodes: Int)
    case constantActions(dataset: String)
    case unreadable(path: String, reason: String)
    case otherLatents(labels: String, what: String, expected: String, got: String)
    case featureExists(dataset: String, feature: String)

    public var description: String {
        switch self {
        case .noLabels(let path):
            "cannot read latent actions: \(path): expected latent_actions.json of a dataset, found none; label it with lam predict "
                + "--latents vectors, and give the dataset's folder below --output"
        case .noVectors(let path):
            "cannot read latent actions: \(path): expected vectors, got codes alone; label it with lam predict --latents vectors or both"
        case .noActions(let dataset):
            "cannot fit: dataset \(dataset): expected a column `action`, got none; fit on a dataset that has one"
        case .tooFewEpisodes(let labels, let dataset, let episodes):
            "cannot fit: \(labels): expected labels of two episodes of dataset \(dataset) or more, got \(episodes)"
        case .constantActions(let dataset):
            "cannot fit: dataset \(dataset): expected actions that vary, got the same in all frames"
        case .unreadable(let path, let reason): "cannot read the map to actions: \(path): \(reason); fit it again"
        case .otherLatents(let labels, let what, let expected, let got):
            "cannot turn latents into actions: \(labels): \(what): expected \(expected), got \(got); label with the checkpoint and "
                + "options that the map was fitted with"
        case .featureExists(let dataset, let feature):
            "cannot add actions: dataset \(dataset): expected no feature \(feature), got one; apply to the dataset that it was made of"
        }
    }
}
