import Datasets

/// What is in a dataset and how far it was found sound: the content of `lam inspect`.
///
/// Making one checks that the videos of the chosen cameras are there and hold enough frames by their headers.
public struct DatasetReport: Sendable, Encodable {
    public let name: String
    public let root: String
    /// `LeRobot v3.0`, `LIBERO/robomimic HDF5`, `ALOHA HDF5`.
    public let format: String
    /// Of LeRobot datasets.
    public let codebaseVersion: String?
    public let robotType: String?
    public let fps: Double
    public let totalEpisodes: Int
    public let totalFrames: Int
    public let lengths: Lengths
    /// Frames that a training pair spans.
    public let window: Window
    public let cameras: [CameraReport]
    /// Columns of the data files, in order.
    public let columns: [DatasetColumn]
    public let tasks: [String]
    /// How pictures are turned to be upright; of HDF5 datasets.
    public let flip: String?
    /// Arrays of HDF5 files that are no columns.
    public let leftOut: [String]
    /// What was assumed of files and pictures, and what says so.
    public let notes: [String]
    /// What a model would not see of pictures that are not square.
    public let cuts: [String]
    /// What does not agree, though it stops nothing.
    public let warnings: [String]

    /// Episode lengths in frames.
    public struct Lengths: Sendable, Encodable {
        public let minimum: Int
        public let median: Double
        public let maximum: Int
    }

    public struct Window: Sendable, Encodable {
        public let minimum: Int
        public let maximum: Int
    }

    enum CodingKeys: String, CodingKey {
        case name, root, format, fps, lengths, window, cameras, columns, tasks, flip, notes, warnings
        case codebaseVersion = "codebase_version"
        case leftOut = "left_out"
        case robotType = "robot_type"
        case totalEpisodes = "total_episodes"
        case totalFrames = "total_frames"
    }

    /// - Parameters:
    ///   - cameras: the ones to look at; an empty list leaves all pictures alone.
    ///   - options: how pictures would be seen in a training; where it skips bad samples, videos that it would do without
    ///     are notes.
    /// - Throws: `DataError` or `ParquetError` for the first thing found wrong.
    public init(
        dataset: some RobotDataset, cameras: [Camera], options: StreamOptions = StreamOptions(datasetMix: [])
    ) throws {
        let facts = dataset.facts
        (name, root, fps) = (dataset.name, dataset.root, dataset.fps)
        (format, codebaseVersion, robotType) = (facts.format, facts.codebaseVersion, facts.robotType)
        (tasks, leftOut) = (facts.tasks, facts.leftOut)
        let asked = cameras.first.flatMap { options.look(of: $0, in: dataset.name).flip }
        flip = facts.flip.map { asked?.rawValue ?? $0 }
        (totalEpisodes, totalFrames) = (dataset.episodeCount, dataset.totalFrames)
        var notes = dataset.notes
        // Of a dataset on a hub one video is fetched, not all.
        let prepared = try dataset.prepared(for: cameras, onBadSample: options.onBadSample)
        notes += prepared.notes.joined()
        do {
            try dataset.requireTasks()
        } catch {
            notes.append("\(error); training with a text encoder is refused")
        }
        lengths = Lengths((0..<dataset.episodeCount).map { dataset.episode($0).length })
        let rule = options.windowRule(name: dataset.name, fps: dataset.fps, place: 0).frames
        window = Window(minimum: rule.lowerBound, maximum: rule.upperBound)
        // What was left out is reported all the same; otherwise it is known by now which videos hold their frames.
        let reported: any RobotDataset = options.onBadSample == .fail ? prepared.dataset : dataset
        self.cameras = try cameras.map { try reported.report(on: $0, onBadSample: options.onBadSample) }
        columns = dataset.columns
        let remarks = try dataset.remarks(on: cameras, options)
        cuts = zip(cameras, self.cameras).compactMap { $0.content.isColor ? $1.cut(options.crop) : nil }
        (self.notes, warnings) = (notes + remarks.notes, remarks.warnings)
    }
}

extension CameraReport {
    /// What a model would not see of pictures that are not square.
    fileprivate func cut(_ crop: CropOption) -> String? {
        guard crop == .square, width != height, min(width, height) > 0 else { return nil }
        let lost = 100 - 100 * min(width, height) / max(width, height)
        return "\(key): pictures are \(width) x \(height), and a model sees squares: \(lost) % are cut off at two "
            + "sides; data.crop: lawam keeps more"
    }
}

extension DatasetReport.Lengths {
    fileprivate init(_ lengths: [Int]) {
        let sorted = lengths.sorted()
        minimum = sorted[0]
        maximum = sorted[sorted.count - 1]
        median = Double(sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
}
