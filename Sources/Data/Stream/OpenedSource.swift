import DataCore
import Datasets
import Hub

/// One camera of a dataset of a mix, with the dataset behind it.
public struct OpenedSource: Sendable {
    /// Place of the dataset in the mix.
    public let place: Int
    public let dataset: any RobotDataset
    public let source: StreamSource
    /// Whether other cameras of the dataset were asked for, too.
    public let hasSiblings: Bool

    /// Opens the datasets of a mix, several at a time.
    ///
    /// - Parameters:
    ///   - hub: where datasets that are not on this disk come from; nil keeps to this disk.
    ///   - cameras: which of each dataset.
    /// - Returns: in the order of the mix and of the datasets' cameras.
    /// - Throws: `StreamError.missingDataset`; `DataError` and whatever else opening a dataset throws.
    public static func open(
        _ options: StreamOptions, hub: HubAccess? = nil, cameras: CameraSelection = .configured
    ) throws -> [OpenedSource] {
        let catalog = DatasetCatalog(options, hub: hub)
        // Waiting for a hub, not computing, is what takes long.
        let datasets = try concurrentMap(options.datasetMix, threads: hub == nil ? 2 : 8) { entry in
            let whole = try catalog.dataset(entry.name)
            let episodes = try options.chosenEpisodes(of: whole)
            let without = episodes.flatMap { whole.keeping($0) }
            let opened = without ?? whole
            let chosen = try cameras.of(opened, options)
            if options.readsTasks { try opened.requireTasks() }
            // A run of days must not end at the first episode whose file was never copied.
            var (dataset, notes) = try opened.prepared(for: chosen, onBadSample: options.onBadSample)
            notes[0] = dataset.notes + notes[0]
            if let episodes { notes[0].append("\(episodes.count) of \(whole.episodeCount) episodes are chosen") }
            if let strangers = options.strangersToLeave(of: whole) { notes[0].append(strangers) }
            let views = try chosen.map { try dataset.view(of: $0, options) }
            for (place, view) in views.enumerated() {
                notes[place] += view.notes.map { "\(view.camera.key): \($0.text)" }
            }
            if let origin = catalog.origin(of: dataset, named: entry.name) { notes[0].insert(origin, at: 0) }
            // Cameras whose pictures are samples of one training must not hold out different episodes.
            let common =
                cameras == .configured && chosen.count > 1
                ? chosen.map { Set(dataset.positions(with: $0)) }.reduce(Set(0..<dataset.episodeCount)) {
                    $0.intersection($1)
                }
                : Set(0..<dataset.episodeCount)
            let passed = without == nil ? episodes.map { Set($0) } : nil
            let kept = Set(common.filter { passed?.contains($0) ?? true }.map { dataset.episode($0).index })
            return (dataset: dataset, cameras: views, notes: notes, episodes: kept)
        }
        let unused = options.unusedRules(of: datasets.map(\.dataset))
        try cameras.requireUse(of: datasets.map(\.dataset))
        let opened = datasets.flatMap { entry in entry.cameras.map { (dataset: entry.dataset, camera: $0.camera) } }
        let costs = opened.map { $0.dataset.readingCost(of: $0.camera) }
        let memory = try StreamMemory(
            options, episodes: opened.reduce(0) { $0 + $1.dataset.episodeCount },
            frames: opened.reduce(0) { $0 + min($1.dataset.totalFrames, 1 << 32) },
            videos: costs.reduce(0) { $0 + $1.files }, pixels: costs.map(\.pixels).max() ?? 0,
            workers: options.workerCount)
        let readers = SharedReaders(indexes: memory.indexCache, pool: memory.pool)
        return datasets.enumerated().flatMap { place, entry in
            zip(entry.cameras, entry.notes).map { view, notes in
                // Together they have the weight of their dataset.
                let share = cameras == .configured ? Double(entry.cameras.count) : 1
                var source = StreamSource(
                    entry.dataset, weight: options.datasetMix[place].weight / share, camera: view.camera,
                    look: view.look, readers: readers)
                source.memory = memory
                source.notes = notes.map { "\(entry.dataset.name): \($0)" }
                // What is about the mix is said once.
                if place == 0, view.camera == entry.cameras[0].camera { source.notes += unused }
                let places = source.episodes.indices.filter { entry.episodes.contains(source.episodes[$0].index) }
                if places.count < source.episodes.count { source = source.keeping(places) }
                return OpenedSource(
                    place: place, dataset: entry.dataset, source: source, hasSiblings: entry.cameras.count > 1)
            }
        }
    }
}
