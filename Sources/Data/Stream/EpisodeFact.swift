import DataCore
import Datasets
import Foundation

/// A condition on what is known of an episode.
public struct EpisodeFact: Sendable, Hashable {
    /// `task`, a part of the instruction; `length`, frames; else a field of the dataset's table of episodes.
    public let field: String
    /// A text, a number, `true`, or a range of numbers, `A:B`.
    public let value: String

    public init(field: String, value: String) { (self.field, self.value) = (field, value) }

    /// Places of the episodes for which it holds.
    func positions(in dataset: any RobotDataset, option: String) throws -> Set<Int> {
        let places = 0..<dataset.episodeCount
        switch field {
        case "task":
            let wanted = value.lowercased()
            return Set(
                places.filter { place in
                    dataset.episode(place).tasks.contains { $0.lowercased().contains(wanted) }
                })
        case "length":
            return Set(places.filter { holds(for: "\(dataset.episode($0).length)") })
        default:
            guard let values = try dataset.episodeFacts(field) else {
                throw StreamError.invalidOption(
                    key: option, expected: "task, length, or a field of the episodes of dataset \(dataset.name)",
                    got: field)
            }
            return Set(places.filter { values[$0].contains { holds(for: $0) } })
        }
    }

    private func holds(for text: String) -> Bool {
        if text.lowercased() == value.lowercased() { return true }
        guard let number = Double(text) else { return false }
        let ends = value.split(separator: ":", omittingEmptySubsequences: false)
        guard ends.count == 2 else { return Double(value) == number }
        guard let low = ends[0].isEmpty ? -Double.infinity : Double(ends[0]),
            let high = ends[1].isEmpty ? Double.infinity : Double(ends[1])
        else { return false }
        return number >= low && number < high
    }
}
