import Configuration
import DataCore
import LAM
import LAMData
import Tensor

/// The robots' states of pairs: a column of LeRobot datasets, whose numbers are brought to -1 … 1 by each dataset's own range.
///
/// A dataset without the column has no states, and its pairs do not count in the head's loss.
package struct RobotStateReader {
    private let states: EpisodeColumn
    private let embodiments: [Int]
    /// What the user should know, where the head has nothing to learn from.
    let note: String?
    private let width: Int
    private let backend: any Backend

    /// - Returns: nil for a model without the head.
    /// - Throws: what reading the column throws.
    package init?(_ opened: [OpenedSource], _ model: ModelConfiguration, on backend: any Backend) throws {
        guard model.familyName == LawamFamily.name, model.maxStateDim > 0 else { return nil }
        (width, self.backend) = (model.maxStateDim, backend)
        let states = try EpisodeColumn(model.stateKey, of: opened)
        self.states = states
        embodiments = opened.map { model.embodimentIDs.id(of: $0.dataset.name, below: model.embodiments) }
        let columns = Set(opened.flatMap { $0.dataset.columns.map(\.name) }).sorted()
        note =
            opened.indices.contains { states.isThere(inDataset: $0) }
            ? nil
            : "model.state_key: \(model.stateKey): no effect: no dataset has such a column of numbers, and the head for "
                + "states learns nothing" + NearestName.hint(model.stateKey, in: columns)
    }

    /// The states of a batch's pairs, of several frames of each step.
    ///
    /// - Throws: what reading the column throws.
    package func callAsFunction(_ batch: FramePairBatch) throws -> RobotStates {
        let steps = batch.steps
        var values = [Float](repeating: 0, count: 2 * width * steps.count)
        var isKnown = [Bool](repeating: false, count: values.count)
        var ids: [Int] = []
        for (pair, (place, target)) in steps.enumerated() {
            guard states.isThere(inDataset: place.dataset) else {
                ids.append(0)
                continue
            }
            ids.append(embodiments[place.dataset])
            let rows = try states.rows(of: place)
            for (frame, index) in [place.frame, target].enumerated() where rows.indices.contains(index) {
                for (number, value) in rows[index].prefix(width).enumerated() {
                    guard let scaled = states.scaled(value, number: number, dataset: place.dataset) else { continue }
                    let at = (2 * pair + frame) * width + number
                    values[at] = scaled
                    isKnown[at] = true
                }
            }
        }
        return RobotStates(values, isKnown: isKnown, embodiments: ids, width: width, on: backend)
    }
}
