import DataCore
import Datasets
import Formats
import Foundation
import Synchronization

/// Writes a dataset as a LeRobot dataset of v2.1 or v3.0: metadata, tasks, statistics, Parquet, videos.
///
/// Everything grows in `DEST.partial` (`StagedFolder`). Each finished episode leaves a note there, so the same command goes on
/// where it was interrupted. Episodes are encoded several at a time; the files do not depend on
/// how many.
///
///     let dataset = try HDF5Dataset(path: "/data/libero_goal", name: "libero_goal")
///     let summary = try DatasetConversion(dataset, to: "/data/libero_goal_lerobot", ConversionOptions()).run()
public struct DatasetConversion: Sendable {
    /// What was written.
    public struct Summary: Sendable, Equatable {
        public let episodes: Int
        public let frames: Int
        public let cameras: Int
        /// Episodes that an earlier, interrupted conversion had finished.
        public let resumed: Int
        /// Cameras whose videos were encoded anew, how many of them, and why the first of these was.
        public let encoded: [Encoded]
    }

    public struct Encoded: Sendable, Equatable {
        public let camera: String
        public let episodes: Int
        public let reason: String
    }

    /// Frames done and frames to do, over all cameras, and how many of the done ones were found done. Called by one thread
    /// at a time.
    public typealias Progress = @Sendable (_ done: Int, _ total: Int, _ found: Int) -> Void

    private let plan: ConversionPlan
    private let folder: ConversionFolder

    /// - Throws: `DataError.unknownCamera`; `ConversionError.invalidOption`, `.unknownColumn`.
    public init(_ dataset: any RobotDataset, to destination: String, _ options: ConversionOptions) throws {
        plan = try ConversionPlan(dataset, options)
        folder = ConversionFolder(destination)
    }

    /// A line for each column that the new dataset will not have, because its format has no form for it.
    public var leftOut: [String] { plan.leftOut }

    /// Converts; does nothing twice that an interrupted run had finished.
    ///
    /// - Parameters:
    ///   - threads: bound on the threads that are kept busy, and with them on memory: each episode under way holds a few
    ///     frames, a decoder and an encoder.
    ///   - isCancelled: asked after every few frames, by all threads; the next run goes on from what was finished.
    /// - Throws: `ConversionError`, `DataError`, `ParquetError`, `FormatError`; `CancellationError`.
    public func run(
        threads: Int = 1, progress: @escaping Progress = { _, _, _ in },
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) throws -> Summary {
        guard folder.isFree else { throw ConversionError.exists(path: folder.destination) }
        try requireOutside(folder.destination)
        for camera in plan.cameras { try plan.dataset.requirePictures(of: camera.source) }
        try plan.dataset.requireTasks()
        // Frames are found by these numbers: a copy must not make wrong ones look sound.
        _ = try plan.dataset.verifyRows(part: 0, of: 1)
        let config = try plan.options.actionConfig.map { try ActionConfig($0, episodes: plan.episodes) }
        guard try folder.begin(plan) == .open else { return summary(resumed: plan.episodes.count, pictures: []) }
        defer { folder.giveUp() }
        let writer = LeRobotWriter(root: folder.dataset, parts: folder.videos, plan: plan, actionConfig: config)
        let progress = ConversionProgress(total: plan.totalFrames * max(plan.cameras.count, 1), report: progress)
        let conversion = EpisodeConversion(plan: plan)
        let sizes = PictureSizes(plan)
        plan.options.codec.quieten()
        let together = max(1, threads / plan.options.codec.threadsPerEncoder)
        let written = try concurrentMap(Array(plan.episodes.indices), threads: together) { [plan, folder] place in
            let parts = plan.cameras.filter { writer.isEncoded($0) }.map {
                writer.videoPart(episode: place, camera: $0.key)
            }
            // After a power failure a note may be there without the file that it tells of.
            if let known = CameraStatistics.read(path: folder.note(place), cameras: plan.cameras.count),
                parts.allSatisfy(FileManager.default.fileExists(atPath:))
            {
                progress.found(plan.episodes[place].length * plan.cameras.count)
                return (pictures: known, isResumed: true)
            }
            let pictures = try plan.cameras.map { camera in
                try conversion.write(
                    episode: place, of: camera, to: writer.videoPart(episode: place, camera: camera.key)
                ) {
                    guard !isCancelled() else { throw CancellationError() }
                    progress.did($0)
                }
            }
            try sizes.require(pictures, of: place)
            try Folder.create(for: folder.note(place))
            try CameraStatistics.write(pictures, to: folder.note(place))
            return (pictures: pictures, isResumed: false)
        }
        for (place, episode) in written.enumerated() { try sizes.require(episode.pictures, of: place) }
        try writer.finish(pictures: written.map(\.pictures)) { guard !isCancelled() else { throw CancellationError() } }
        try KeptDocuments(of: plan.dataset).copy(to: folder.dataset)
        try folder.end()
        return summary(resumed: written.count { $0.isResumed }, pictures: written.map(\.pictures))
    }

    private func summary(resumed: Int, pictures: [[CameraStatistics]]) -> Summary {
        // Of pictures that were no videos nobody expects that they stay what they are.
        let encoded = plan.cameras.enumerated().filter { $1.source.kind == .video }.compactMap { place, camera in
            let reasons = pictures.map { $0[place].encodedBecause }.filter { !$0.isEmpty }
            return reasons.first.map { Encoded(camera: camera.key, episodes: reasons.count, reason: $0) }
        }
        return Summary(
            episodes: plan.episodes.count, frames: plan.totalFrames, cameras: plan.cameras.count, resumed: resumed,
            encoded: encoded)
    }

    /// A new dataset within its source would be part of it.
    private func requireOutside(_ destination: String) throws {
        let source = plan.dataset.root
        guard !Folder.contains(source, destination) else {
            throw ConversionError.insideSource(path: destination, source: source)
        }
    }
}

/// Checks that all episodes have pictures of one size: a feature has one shape, and a video of v3.0 the frames of many.
private final class PictureSizes: Sendable {
    private let plan: ConversionPlan
    /// Those of the first episode, once it is done.
    private let first = Mutex<[CameraStatistics]?>(nil)

    init(_ plan: ConversionPlan) { self.plan = plan }

    /// - Throws: `ConversionError.unsupported`. Before the first episode is known nothing is wrong with others.
    func require(_ pictures: [CameraStatistics], of episode: Int) throws {
        let first = first.withLock { first in
            if episode == 0 { first = pictures }
            return first
        }
        for (camera, (own, first)) in zip(plan.cameras, zip(pictures, first ?? pictures))
        where (own.width, own.height) != (first.width, first.height) {
            throw ConversionError.unsupported(
                dataset: plan.dataset.name,
                what:
                    "camera \(camera.source.key): expected pictures of \(first.width)x\(first.height) as in its first "
                    + "episode, got \(own.width)x\(own.height) in episode \(episode) of the list; --cameras leaves the camera "
                    + "out")
        }
    }
}

/// Counts what several threads have done.
private final class ConversionProgress: Sendable {
    private let total: Int
    private let report: DatasetConversion.Progress
    private let counts = Mutex((done: 0, found: 0))

    init(total: Int, report: @escaping DatasetConversion.Progress) { (self.total, self.report) = (total, report) }

    func did(_ frames: Int) { add(done: frames, found: 0) }
    func found(_ frames: Int) { add(done: frames, found: frames) }

    private func add(done: Int, found: Int) {
        counts.withLock { counts in
            counts.done += done
            counts.found += found
            report(counts.done, total, counts.found)
        }
    }
}
