import Configuration
import DataCore
import LAM
import LAMData
import Tensor

/// The robots' states of pairs: a column of LeRobot datasets, whose numbers are brought to -1 … 1 by each dataset's own range.
///
/// A dataset without the column has no states, and its pairs do not count in the head's loss.
package final class RobotStateReader {
    /// Episodes, spread evenly, that a dataset's range is taken from, and whose rows are kept at a time.
    private static let rangedEpisodes = 200
    private static let keptEpisodes = 64

    private struct Source {
        let dataset: LeRobotDataset
        let embodiment: Int
        /// Of each number; nil where it does not vary, and stays as it is.
        let ranges: [ClosedRange<Double>?]
    }

    private let sources: [Source?]
    /// What the user should know, where the head has nothing to learn from.
    let note: String?
    private let width: Int
    private let column: String
    private let backend: any Backend
    private var kept: [FrameReference: [[Double]]] = [:]

    /// - Returns: nil for a model without the head.
    /// - Throws: what reading the column throws.
    package init?(_ opened: [OpenedSource], _ model: ModelConfiguration, on backend: any Backend) throws {
        guard model.familyName == LawamFamily.name, model.maxStateDim > 0 else { return nil }
        (width, column, self.backend) = (model.maxStateDim, model.stateKey, backend)
        sources = try opened.map { opened in
            guard let dataset = opened.dataset as? LeRobotDataset,
                let ranges = try Self.ranges(of: model.stateKey, in: dataset)
            else { return nil }
            return Source(
                dataset: dataset, embodiment: model.embodimentIDs.id(of: dataset.name, below: model.embodiments),
                ranges: ranges)
        }
        let columns = Set(opened.flatMap { $0.dataset.columns.map(\.name) }).sorted()
        note =
            sources.allSatisfy { $0 == nil }
            ? "model.state_key: \(model.stateKey): no effect: no dataset has such a column of numbers, and the head for "
                + "states learns nothing" + NearestName.hint(model.stateKey, in: columns) : nil
    }

    private static func ranges(of column: String, in dataset: LeRobotDataset) throws -> [ClosedRange<Double>?]? {
        let count = dataset.episodes.count
        let step = max(1, count / rangedEpisodes)
        var bounds: [(low: Double, high: Double)] = []
        for place in stride(from: 0, to: count, by: step) {
            guard let rows = try dataset.values(of: column, in: dataset.episodes[place]) else { return nil }
            for row in rows {
                if bounds.isEmpty { bounds = row.map { _ in (.infinity, -.infinity) } }
                for (number, value) in row.enumerated() where value.isFinite {
                    bounds[number] = (min(bounds[number].low, value), max(bounds[number].high, value))
                }
            }
        }
        return bounds.isEmpty ? nil : bounds.map { $0.low < $0.high ? $0.low...$0.high : nil }
    }

    /// The states of a batch's pairs.
    ///
    /// - Throws: what reading the column throws.
    package func callAsFunction(_ batch: FramePairBatch) throws -> RobotStates {
        var states = [Float](repeating: 0, count: 2 * width * batch.samples.count)
        var isKnown = [Bool](repeating: false, count: states.count)
        var embodiments: [Int] = []
        for (pair, sample) in batch.samples.enumerated() {
            let place = batch.frames[2 * pair]
            guard let source = sources[place.dataset] else {
                embodiments.append(0)
                continue
            }
            embodiments.append(source.embodiment)
            let rows = try rows(of: place, source)
            for (frame, index) in [sample.frame, sample.target].enumerated() where rows.indices.contains(index) {
                for (number, value) in rows[index].prefix(width).enumerated() where value.isFinite {
                    let at = (2 * pair + frame) * width + number
                    states[at] = Self.scaled(value, source.ranges[number])
                    isKnown[at] = true
                }
            }
        }
        return RobotStates(states, isKnown: isKnown, embodiments: embodiments, width: width, on: backend)
    }

    private static func scaled(_ value: Double, _ range: ClosedRange<Double>?) -> Float {
        guard let range else { return Float(value) }
        return Float(2 * (value - range.lowerBound) / (range.upperBound - range.lowerBound) - 1)
    }

    private func rows(of place: FrameReference, _ source: Source) throws -> [[Double]] {
        let episode = FrameReference(dataset: place.dataset, episode: place.episode, frame: 0)
        if let rows = kept[episode] { return rows }
        if kept.count >= Self.keptEpisodes { kept.removeAll(keepingCapacity: true) }
        let rows = try source.dataset.values(of: column, in: source.dataset.episodes[place.episode]) ?? []
        kept[episode] = rows
        return rows
    }
}
