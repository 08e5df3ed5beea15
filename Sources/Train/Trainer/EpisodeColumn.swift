import LAMData

/// A column of numbers of LeRobot datasets, brought to -1 … 1 by each dataset's own range.
final class EpisodeColumn {
    /// Episodes, spread evenly, that a dataset's range is taken from, and whose rows are kept at a time.
    private static let rangedEpisodes = 200
    private static let keptEpisodes = 64

    private struct Source {
        let dataset: LeRobotDataset
        /// Of each number; nil where it does not vary, and stays as it is.
        let ranges: [ClosedRange<Double>?]
    }

    private let column: String
    private let sources: [Source?]
    private var kept: [FrameReference: [[Double]]] = [:]

    /// - Throws: what reading the column throws.
    init(_ column: String, of opened: [OpenedSource]) throws {
        self.column = column
        sources = try opened.map { opened in
            guard let dataset = opened.dataset as? LeRobotDataset,
                let ranges = try Self.ranges(of: column, in: dataset)
            else { return nil }
            return Source(dataset: dataset, ranges: ranges)
        }
    }

    private static func ranges(of column: String, in dataset: LeRobotDataset) throws -> [ClosedRange<Double>?]? {
        let count = dataset.episodes.count
        let step = max(1, count / rangedEpisodes)
        var bounds: [(low: Double, high: Double)] = []
        for place in stride(from: 0, to: count, by: step) {
            guard let rows = try dataset.values(of: column, in: dataset.episodes[place]) else { return nil }
            for row in rows {
                if bounds.isEmpty { bounds = row.map { _ in (.infinity, -.infinity) } }
                for (number, value) in zip(bounds.indices, row) where value.isFinite {
                    bounds[number] = (min(bounds[number].low, value), max(bounds[number].high, value))
                }
            }
        }
        return bounds.isEmpty ? nil : bounds.map { $0.low < $0.high ? $0.low...$0.high : nil }
    }

    /// Whether a dataset, by its place in the mix, has the column.
    func isThere(inDataset place: Int) -> Bool { sources[place] != nil }

    /// Episodes of a dataset that has the column.
    func episodeCount(ofDataset place: Int) -> Int { sources[place]?.dataset.episodes.count ?? 0 }

    /// The rows of a frame's episode, one for each of its frames; none where the dataset lacks the column.
    ///
    /// - Throws: what reading the column throws.
    func rows(of place: FrameReference) throws -> [[Double]] {
        guard let source = sources[place.dataset] else { return [] }
        let episode = FrameReference(dataset: place.dataset, episode: place.episode, frame: 0)
        if let rows = kept[episode] { return rows }
        if kept.count >= Self.keptEpisodes { kept.removeAll(keepingCapacity: true) }
        let rows = try source.dataset.values(of: column, in: source.dataset.episodes[place.episode]) ?? []
        kept[episode] = rows
        return rows
    }

    /// A value within the range of its dataset, which is -1 … 1; nil for what is no number or beyond the dataset's width.
    func scaled(_ value: Double, number: Int, dataset: Int) -> Float? {
        guard value.isFinite, let source = sources[dataset], source.ranges.indices.contains(number) else { return nil }
        guard let range = source.ranges[number] else { return Float(value) }
        return Float(2 * (value - range.lowerBound) / (range.upperBound - range.lowerBound) - 1)
    }
}
