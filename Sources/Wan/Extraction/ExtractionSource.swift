import Foundation
import LAMData

/// What latents are made of: a dataset, and the segments of its episodes.
struct ExtractionSource: Sendable {
    let dataset: any RobotDataset
    /// Cameras that see colours, which are taken where none is named.
    let cameras: [Camera]
    /// All cameras that could be named, for messages.
    let known: [Camera]
    /// Segments by `episode_index`.
    let segments: [Int: [ActionEntry]]
    /// What is missing where an episode has none.
    let wanted: String
    /// Episodes whose files share a folder.
    let chunkSize: Int
    /// What a user should know of the dataset.
    let notes: [String]
    /// Sides as metadata have them.
    private let declared: [String: (height: Int, width: Int)]

    /// A LeRobot dataset's segments are its `action_config`; those of others are runs of frames with one instruction.
    ///
    /// - Parameter fps: of files that do not tell, or not rightly.
    /// - Throws: `DataError`; `ParquetError`; `ExtractionError.option`.
    static func open(path: String, fps: Double? = nil) throws -> ExtractionSource {
        let root = URL(fileURLWithPath: path).standardizedFileURL
        if let format = DatasetFormat.at(root.path), format.name != DatasetFormat.leRobot.name {
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: root.path, isDirectory: &isFolder), isFolder.boolValue else {
                throw DataError.unreadableFile(
                    path: root.path,
                    reason: "expected a folder, in which latents are written, got a file; put it into one of its own")
            }
            var request = DatasetFormat.Request(name: root.lastPathComponent)
            request.fps = fps
            let opened = try format.open(root.path, request)
            let prepared = try opened.prepared(for: opened.cameras, onBadSample: .skip)
            return ExtractionSource(other: prepared.dataset, notes: opened.notes + prepared.notes.joined())
        }
        if let fps {
            throw ExtractionError.option(
                name: "--fps", expected: "a folder of HDF5 files, videos or pictures",
                got: "\(fps) for a LeRobot dataset")
        }
        // Latents need videos and metadata alone; rows that are there must agree with them all the same.
        return try ExtractionSource(
            LeRobotDataset(
                root: root.path, name: root.lastPathComponent,
                checkDataFiles: FileManager.default.fileExists(atPath: root.path + "/data"), readsTasks: false))
    }

    private init(_ dataset: LeRobotDataset) throws {
        self.dataset = dataset
        let videos = dataset.videoCameras.filter(\.content.isColor)
        // As the original has it; it finds nothing in a dataset whose pictures are all in columns.
        cameras = videos.isEmpty ? dataset.cameras.filter(\.content.isColor) : videos
        known = dataset.cameras
        segments = try dataset.actionEntries()
        wanted = "segments with start_frame, end_frame and action_text"
        chunkSize = dataset.info.chunksSize
        notes = dataset.notes
        declared = Dictionary(
            dataset.cameras.compactMap { camera in Self.declaredSize(camera, dataset).map { (camera.key, $0) } },
            uniquingKeysWith: { first, _ in first })
    }

    private init(other dataset: any RobotDataset, notes: [String]) {
        self.dataset = dataset
        known = dataset.cameras
        cameras = dataset.cameras.filter(\.content.isColor)
        segments = Dictionary(
            (0..<dataset.episodeCount).map { position in
                let episode = dataset.episode(position)
                let entries = episode.taskSpans.map {
                    ActionEntry.segment(ActionSegment(startFrame: $0.start, endFrame: $0.end, text: $0.text))
                }
                return (episode.index, entries)
            }, uniquingKeysWith: { first, _ in first })
        wanted = "an instruction"
        chunkSize = 1000
        self.notes = notes
        declared = [:]
    }

    /// Sides of a camera's pictures, for estimates: as the metadata have them, 256 where they say nothing.
    func size(of camera: Camera) -> (height: Int, width: Int) { declared[camera.key] ?? (256, 256) }

    private static func declaredSize(_ camera: Camera, _ dataset: LeRobotDataset) -> (height: Int, width: Int)? {
        guard let feature = dataset.info.feature(camera.key), feature.shape.count == 3 else { return nil }
        let isChannelFirst = feature.names.first?.hasPrefix("channel") == true
        let sides = isChannelFirst ? Array(feature.shape.dropFirst()) : Array(feature.shape.dropLast())
        guard sides.allSatisfy({ (1...8192).contains($0) }) else { return nil }
        return (sides[0], sides[1])
    }

    /// Checks that what is read is what was meant: single videos that are missing or too short are left out.
    func requireDistinctFrames(camera: Camera) throws {
        try (dataset as? LeRobotDataset)?.requireDistinctFrames(camera: camera)
    }

    /// What a user should know of a camera's pictures, and positions of episodes that are no part of it because their
    /// pictures lie otherwise than those of the others. What is missing or damaged is met where it is read.
    func findings(camera: Camera) -> (notes: [String], odd: Set<Int>) {
        let looks = (try? dataset.notes(on: camera, flip: nil, order: nil)) ?? []
        let notes = looks.map { "\(camera.key): \($0.text)" }
        guard let whole = dataset as? LeRobotDataset,
            let prepared = try? whole.prepared(for: [camera], onBadSample: .skip)
        else { return (notes, []) }
        let left = Set(whole.positions(with: camera)).subtracting(prepared.dataset.positions(with: camera))
        let odd = left.filter { position in
            guard let path = try? whole.videoFile(of: whole.episodes[position], camera: camera) else { return false }
            return (try? MetadataFile.requireContent(path: path, purpose: "a video")) != nil
        }
        return (notes + prepared.notes.joined(), odd)
    }

    /// Files of episodes that are numbered by their places among files.
    var origins: [String: String] {
        let episodes = (0..<dataset.episodeCount).map { dataset.episode($0) }.filter { !$0.origin.isEmpty }
        return Dictionary(episodes.map { ("\($0.index)", $0.origin) }, uniquingKeysWith: { first, _ in first })
    }

    /// Frames a second as the files have them: the original cuts a LeRobot dataset's rate off; that of others is rounded.
    var fps: Int { max(1, Int(dataset is LeRobotDataset ? dataset.fps : dataset.fps.rounded())) }
}
