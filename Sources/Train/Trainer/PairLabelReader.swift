import Configuration
import LAM
import LAMData
import Randomness
import Tensor

/// Labels of pairs for a head that predicts them of the latents: the mean action from the first frame to the second, or the change
/// of state, of the columns of LeRobot datasets, brought to -1 … 1 by each dataset's own range.
///
/// Only `label_share` of the episodes of a dataset have labels, drawn by the seed; the pairs of others do not count.
package struct PairLabelReader {
    private let column: EpisodeColumn
    private let source: LabelSource
    private let width: Int
    private let backend: any Backend
    /// The episodes of each dataset that have labels.
    private let labelled: [Set<Int>]

    /// - Returns: nil for a model without the head.
    /// - Throws: what reading the column throws.
    package init?(
        _ opened: [OpenedSource], _ model: ModelConfiguration, seed: UInt64, on backend: any Backend
    ) throws {
        guard model.labels != .none else { return nil }
        (source, width, self.backend) = (model.labels, model.labelWidth, backend)
        let column = try EpisodeColumn(model.labelKey ?? model.labels.usualKey, of: opened)
        self.column = column
        labelled = opened.indices.map { place in
            let episodes = column.episodeCount(ofDataset: place)
            guard model.labelShare < 1 else { return Set(0..<episodes) }
            var generator = RandomGenerator(seed: seed, purpose: "labelled episodes", place)
            let count = Int((Double(episodes) * model.labelShare).rounded(.up))
            return Set(generator.permutation(episodes).prefix(count))
        }
    }

    /// The labels of a batch's pairs, of several frames of each step.
    ///
    /// - Throws: what reading the column throws.
    package func callAsFunction(_ batch: FramePairBatch) throws -> PairLabels {
        let steps = batch.steps
        var values = [Float?](repeating: nil, count: width * steps.count)
        for (pair, (place, target)) in steps.enumerated() {
            guard labelled[place.dataset].contains(place.episode), place.frame < target else { continue }
            let rows = try column.rows(of: place)
            guard rows.indices.contains(place.frame), rows.indices.contains(target) else { continue }
            for number in 0..<min(width, rows[place.frame].count) {
                values[pair * width + number] = label(rows, place.frame, target, number, place.dataset)
            }
        }
        return PairLabels(values, width: width, on: backend)
    }

    /// One number of a label; nil where a value that it is made of is missing or no number.
    private func label(_ rows: [[Double]], _ first: Int, _ second: Int, _ number: Int, _ dataset: Int) -> Float? {
        func value(_ row: Int) -> Float? {
            rows[row].indices.contains(number)
                ? column.scaled(rows[row][number], number: number, dataset: dataset) : nil
        }
        switch source {
        case .none: return nil
        case .state:
            guard let from = value(first), let to = value(second) else { return nil }
            return to - from
        case .action:
            let window = (first..<second).compactMap(value)
            guard window.count == second - first else { return nil }
            return window.reduce(0, +) / Float(window.count)
        }
    }
}
