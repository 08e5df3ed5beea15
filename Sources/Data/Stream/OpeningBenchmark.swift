import DataCore
import Datasets
import Foundation

/// How long the metadata of a large mix take to open, and how much memory.
public struct OpeningBenchmark: Codable, Sendable, Hashable {
    public var datasets: Int
    public var episodes: Int
    public var pairs: Int
    /// From nothing to an order of samples that has given its first one.
    public var seconds: Double
    /// From a position in the middle of an epoch to the next sample.
    public var secondsToResume: Double
    /// Largest resident set of this process so far.
    public var peakResidentBytes: Int

    /// Opens the metadata of a mix, of which no data file or video needs to exist.
    ///
    /// - Throws: what opening a dataset throws.
    public static func run(_ options: StreamOptions) throws -> OpeningBenchmark {
        let clock = ContinuousClock()
        let start = clock.now
        var options = options
        options.readsTasks = false
        let catalog = DatasetCatalog(options, hub: nil, checksDataFiles: false)
        let imageKeys = options.imageKeys
        let sources = try concurrentMap(options.datasetMix, threads: 2) { entry in
            // Without videos there are no groups of pictures to ask for.
            var source = try StreamSource(try catalog.dataset(entry.name), weight: entry.weight, imageKeys: imageKeys)
            source.locality = FileLocality()
            return source
        }
        options.datasetMix = sources.map { StreamOptions.MixEntry($0.name, $0.weight) }
        let pairs = try FramePairStream.pairs(of: sources, options, split: .train)
        /// Takes one sample.
        func begin(after drawn: [Int]) throws {
            var order = InterleavedOrder(
                datasets: zip(sources, pairs).map { (pairs: $1, weight: $0.weight) }, bufferSize: options.bufferSize,
                seed: options.seed, position: drawn.reduce(0, +), drawn: drawn)
            _ = try order.next()
        }
        try begin(after: pairs.map { _ in 0 })
        let opened = clock.now
        try begin(after: pairs.map { $0.count / 2 })
        return OpeningBenchmark(
            datasets: sources.count, episodes: sources.reduce(0) { $0 + $1.episodes.count },
            pairs: pairs.reduce(0) { $0 + $1.count }, seconds: (opened - start) / .seconds(1),
            secondsToResume: (clock.now - opened) / .seconds(1),
            peakResidentBytes: StreamBenchmark.peakResidentBytes())
    }

    /// Writes the metadata of made-up datasets of LeRobot v2.1 below a folder.
    ///
    /// - Returns: the mix.
    public static func write(datasets: Int, episodes: Int, to folder: String) throws -> StreamOptions {
        for dataset in 0..<datasets {
            let meta = "\(folder)/set_\(dataset)/meta"
            try FileManager.default.createDirectory(atPath: meta, withIntermediateDirectories: true)
            let length = 300
            let info = """
                {"codebase_version": "v2.1", "fps": 10, "robot_type": "none", "total_episodes": \(episodes), \
                "total_frames": \(episodes * length), "total_tasks": 1, "chunks_size": 1000, \
                "data_path": "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet", \
                "video_path": "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4", \
                "features": {"observation.image": {"dtype": "video", "shape": [96, 96, 3], "names": null}}}
                """
            var table = ""
            for episode in 0..<episodes {
                table +=
                    "{\"episode_index\": \(episode), \"tasks\": [\"move block \(episode % 50)\"], \"length\": \(length)}\n"
            }
            try info.write(toFile: "\(meta)/info.json", atomically: true, encoding: .utf8)
            try table.write(toFile: "\(meta)/episodes.jsonl", atomically: true, encoding: .utf8)
            try "{\"task_index\": 0, \"task\": \"move\"}\n".write(
                toFile: "\(meta)/tasks.jsonl", atomically: true, encoding: .utf8)
        }
        return StreamOptions(datasetMix: (0..<datasets).map { .init("set_\($0)", 1) }, root: folder)
    }
}
