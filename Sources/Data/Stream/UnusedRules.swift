import DataCore
import Datasets

extension StreamOptions {
    /// What these options say that has no effect on any of the datasets of the mix, a sentence each.
    ///
    /// An option by dataset holds where its key is part of a name, so a slip in a key takes the option away without a trace.
    func unusedRules(of datasets: [any RobotDataset]) -> [String] {
        let names = datasets.map(\.name)
        let views = datasets.flatMap { dataset in dataset.cameras.map { "\(dataset.name)/\($0.key)" } }
        let inDatasets =
            strangers("image_keys", imageKeys, names) + strangers("fps", fps, names)
            + strangers("window_seconds", windowSeconds, names) + strangers("episodes", episodes, names)
            + strangers("exclude_episodes", excludedEpisodes, names) + strangers("filter_key", filterKeys, names)
        let inViews =
            strangers("flip", flips, views) + strangers("channel_order", channelOrders, views)
            + strangers("depth", depth, views)
        return inDatasets + inViews + withoutEffect(on: datasets)
    }

    private func strangers(_ option: String, _ rules: [some NameRule], _ names: [String]) -> [String] {
        rules.filter { rule in !names.contains { [rule].first(for: $0) != nil } }.map { rule in
            let parts = names.flatMap { [$0] + $0.split(separator: "/").map(String.init) }
            return "data.\(option): \(rule.pattern): no effect: it is in no name of "
                + names.prefix(8).joined(separator: ", ") + NearestName.hint(rule.pattern, in: parts)
        }
    }

    /// Options that only some formats have.
    private func withoutEffect(on datasets: [any RobotDataset]) -> [String] {
        var notes: [String] = []
        func note(_ option: String, _ dataset: any RobotDataset, _ reason: String) {
            notes.append("data.\(option): no effect on \(dataset.name): \(reason)")
        }
        for dataset in datasets where dataset.facts.codebaseVersion != nil {
            if fps.first(for: dataset.name) != nil {
                note("fps", dataset, "a LeRobot dataset tells its own rate, \(dataset.fps.shortest)")
            }
            if filterKeys.first(for: dataset.name) != nil {
                note("filter_key", dataset, "only HDF5 files have such lists; data.episodes chooses by number")
            }
        }
        let formats = datasets.map(\.facts.format)
        if splitsAtCuts, !formats.contains(DatasetFormat.plainVideo.name) {
            notes.append("data.split_at_cuts: no effect: there are no plain videos in the mix")
        }
        if toleranceS != nil, !datasets.contains(where: { $0.facts.codebaseVersion != nil }) {
            notes.append("data.tolerance_s: no effect: there is no LeRobot dataset in the mix")
        }
        return notes
    }
}

extension Double {
    /// Without a fraction where there is none.
    fileprivate var shortest: String { Int(exactly: self).map { "\($0)" } ?? "\(self)" }
}
