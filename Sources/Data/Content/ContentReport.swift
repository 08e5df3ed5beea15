import DataCore
import Datasets
import Synchronization
import Video

/// What a latent action model would learn from a camera of a dataset, looked at once: the content of
/// `lam inspect --content`.
public struct ContentReport: Sendable, Encodable {
    public let dataset: String
    public let camera: String
    public let episodes: Int
    public let frames: Int
    public let verdicts: [String: ContentVerdict]
    public let findings: [ContentFinding]

    /// Decodes all frames of a camera.
    ///
    /// - Parameters:
    ///   - window: frames that a pair spans.
    ///   - progress: called with frames done and frames to do, by several threads.
    /// - Throws: `DataError`, `ParquetError`.
    public init(
        dataset: any RobotDataset, camera: Camera, window: ClosedRange<Int>, threads: Int,
        progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws {
        let positions = dataset.positions(with: camera)
        let total = positions.reduce(0) { $0 + dataset.episode($1).length }
        let readers = SharedReaders()
        let done = Mutex(0)
        let traces = try concurrentMap(positions, threads: threads) { position in
            let episode = dataset.episode(position)
            let reader = try dataset.frames(of: camera, from: readers)
            var grids: [PictureGrid] = []
            var details: [PictureDetail?] = []
            for start in stride(from: 0, to: episode.length, by: 16) {
                let numbers = Array(start..<min(start + 16, episode.length))
                for image in try reader.frames(episode: position, frames: numbers) {
                    grids.append(PictureGrid(image))
                    details.append(PictureDetail(image))
                }
                let sum = done.withLock { done in
                    done += numbers.count
                    return done
                }
                progress(sum, total)
            }
            let trace = EpisodeTrace(
                episode: episode.index, fps: dataset.fps, grids: grids,
                actions: try dataset.actions(episode: position, from: readers), details: details)
            return EpisodeSummary(trace, window: window)
        }
        self.init(dataset: dataset.name, camera: camera.key, summaries: traces)
    }

    package init(dataset: String, camera: String, traces: [EpisodeTrace], window: ClosedRange<Int>) {
        self.init(dataset: dataset, camera: camera, summaries: traces.map { EpisodeSummary($0, window: window) })
    }

    private init(dataset: String, camera: String, summaries traces: [EpisodeSummary]) {
        (self.dataset, self.camera) = (dataset, camera)
        episodes = traces.count
        frames = traces.reduce(0) { $0 + $1.frames }
        let whole = DatasetTraces(traces: traces)
        let together: [ContentCheck: [ContentFinding]?] = [
            .lag: whole.lag(), .duplicate: whole.duplicates(), .actions: whole.deadActions(),
            .blurred: whole.blurred(),
        ]
        findings =
            traces.flatMap(\.findings)
            + ContentCheck.allCases.flatMap { (together[$0] ?? []) ?? [] }
        var verdicts: [String: ContentVerdict] = [:]
        for check in ContentCheck.allCases {
            let isUnknown =
                if let known = together[check] { known == nil } else {
                    check == .frozen && traces.allSatisfy { $0.steps == nil }
                }
            verdicts[check.rawValue] =
                findings.contains { $0.check == check } ? .found : isUnknown ? .unknown : .sound
        }
        self.verdicts = verdicts
    }

    /// Episodes with findings, for `data.exclude_episodes`; without those whose only fault is to be too short, which give no
    /// pairs anyway.
    public var excluded: [Int] { Set(findings.filter { $0.check != .short }.compactMap(\.episode)).sorted() }

    /// The findings of a check, the worst first.
    public func worst(of check: ContentCheck) -> [ContentFinding] {
        // Of equals the earlier one: sorting is stable.
        findings.filter { $0.check == check }.sorted { $0.extent > $1.extent }
    }

    /// `sound`, `unknown`, or in how many episodes something was found.
    func summary(of check: ContentCheck) -> String {
        let verdict = verdicts[check.rawValue] ?? .unknown
        let places = Set(findings.filter { $0.check == check }.compactMap(\.episode)).count
        return verdict == .found ? places == 0 ? "found" : "in \(places) episodes" : verdict.rawValue
    }

    /// A line for each check, and the worst findings of each.
    public func text(shown: Int = 5) -> String {
        var lines = ["\(dataset), \(camera): \(episodes) episodes, \(frames) frames looked at"]
        for check in ContentCheck.allCases {
            let own = worst(of: check)
            let name = check.rawValue + String(repeating: " ", count: 12 - check.rawValue.count)
            lines.append("  \(name) \(summary(of: check))")
            lines += own.prefix(shown).map { "    \($0.text)" }
            if own.count > shown { lines.append("    … and \(own.count - shown) more") }
        }
        return lines.joined(separator: "\n")
    }
}
