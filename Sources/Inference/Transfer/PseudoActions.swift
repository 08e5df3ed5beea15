import Formats
import Conversion
import Foundation
import LAMData
import LAMTrain
import Loggers
import Parquet

/// A copy of a LeRobot dataset with actions that a map reads off its latents: the feature `pseudo_action`, and
/// `pseudo_action_valid`, which is false in frames that no pair begins with.
public struct PseudoActions {
    static let feature = "pseudo_action"
    static let validFeature = "pseudo_action_valid"

    private let readout: ActionReadout
    private let labels: StoredLabels
    private let dataset: LeRobotDataset

    /// - Parameter labels: folder of the dataset's labels with vectors, of the model that the map is for.
    /// - Throws: `TransferError`.
    public init(_ readout: ActionReadout, labels path: String, dataset: LeRobotDataset) throws {
        labels = try StoredLabels(path)
        (self.readout, self.dataset) = (readout, dataset)
        let found = labels.description
        // A mix may name the folder above, too.
        let name = found.dataset.split(separator: "/").last.map(String.init) ?? ""
        for (what, expected, got) in [
            ("weights", readout.weights, found.weights), ("window", "\(readout.window)", "\(found.window)"),
            ("numbers of a pair", "\(readout.latent_width)", "\(labels.width)"),
            ("dataset", dataset.name, name),
        ] where expected != got {
            // The same frame rate and another window, or another dataset's labels, would give actions without meaning.
            throw TransferError.otherLatents(labels: path, what: what, expected: expected, got: got)
        }
        for feature in [Self.feature, Self.validFeature] where dataset.info.feature(feature) != nil {
            throw TransferError.featureExists(dataset: dataset.name, feature: feature)
        }
    }

    /// Writes the copy.
    ///
    /// - Returns: frames that have got an action.
    /// - Throws: `PredictionError.destinationExists`; `DataError`, `ParquetError`, `ConversionError`, `FormatError`.
    public func write(to destination: String) throws -> Int {
        let partial = destination + ".partial"
        for path in [destination, partial] where FileManager.default.fileExists(atPath: path) {
            throw PredictionError.destinationExists(path: path)
        }
        let columns = [
            StoredColumn(feature: Self.feature, dtype: "float32", shape: [readout.action_width]),
            StoredColumn(feature: Self.validFeature, dtype: "bool", shape: [1]),
        ].compactMap { $0 }
        var frames = 0
        do {
            try Folder.create(partial)
            try DatasetExtension(dataset, columns: columns).write(
                to: partial, values: { try values(episode: $0, &frames) })
        } catch {
            try? FileManager.default.removeItem(atPath: partial)
            throw error
        }
        guard rename(partial, destination) == 0 else {
            throw ConversionError.unwritable(path: destination, reason: String(cString: strerror(errno)))
        }
        return frames
    }

    private func values(episode: Int, _ frames: inout Int) throws -> [[ParquetValue]] {
        let record = dataset.episodes[episode]
        func stored(_ action: [Double]) -> ParquetValue {
            action.count == 1 ? .float(Float(action[0])) : .list(action.map { .float(Float($0)) })
        }
        var actions = [ParquetValue](
            repeating: stored([Double](repeating: 0, count: readout.action_width)), count: record.length)
        var valid = [ParquetValue](repeating: .bool(false), count: record.length)
        for row in try labels.rows(episode: record.episodeIndex) ?? [] {
            guard row.frame < record.length else {
                throw PredictionError.unreadableLabels(
                    path: labels.folder.file(episode: record.episodeIndex), expected: "frames of \(record.length)",
                    got: "frame \(row.frame)")
            }
            actions[row.frame] = stored(readout(try labels.vector(row)))
            valid[row.frame] = .bool(true)
            frames += 1
        }
        return [actions, valid]
    }
}
