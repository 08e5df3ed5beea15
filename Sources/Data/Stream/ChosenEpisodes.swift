import Datasets

extension StreamOptions {
    /// Places of the episodes of a dataset that these options choose; nil where they choose all.
    ///
    /// - Throws: `StreamError.invalidOption` where nothing is left; `DataError`.
    package func chosenEpisodes(of dataset: any RobotDataset) throws -> [Int]? {
        let taken = episodes.first(for: dataset.name)
        let left = excludedEpisodes.first(for: dataset.name)
        guard taken != nil || left != nil else { return nil }
        var positions =
            try taken?.choice.positions(in: dataset, option: "episodes", allowsStrangers: false)
            ?? Set(0..<dataset.episodeCount)
        if let left {
            positions.subtract(
                try left.choice.positions(in: dataset, option: "exclude_episodes", allowsStrangers: true))
        }
        guard !positions.isEmpty else {
            throw StreamError.invalidOption(
                key: taken == nil ? "exclude_episodes" : "episodes",
                expected: "some of the \(dataset.episodeCount) episodes of dataset \(dataset.name)", got: "none")
        }
        return positions.sorted()
    }

    /// What `exclude_episodes` names and a dataset does not have: a slip of a number leaves in what was to be left out. A
    /// file may be of several datasets, and says nothing by it.
    func strangersToLeave(of dataset: any RobotDataset) -> String? {
        guard case .numbers(let ranges) = excludedEpisodes.first(for: dataset.name)?.choice else { return nil }
        let numbers = (0..<dataset.episodeCount).map { dataset.episode($0).index }
        let strangers = ranges.filter { range in !numbers.contains { range.contains($0) } }
        guard !strangers.isEmpty else { return nil }
        return
            "data.exclude_episodes: \(strangers.map(\.text).joined(separator: ", ")): no effect: there are no such episodes"
    }
}
