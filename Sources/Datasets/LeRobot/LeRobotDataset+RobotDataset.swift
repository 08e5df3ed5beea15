import DataCore
import Formats
import Foundation
import Parquet
import Video

extension DatasetFormat {
    public static let leRobot = DatasetFormat(
        name: "LeRobot", takesCorrections: false,
        recognises: { FileManager.default.fileExists(atPath: "\($0)/meta/info.json") },
        open: {
            var dataset = try LeRobotDataset(
                root: $0, name: $1.name, checkDataFiles: $1.checksDataFiles, readsTasks: $1.readsTasks)
            dataset.tolerance = $1.tolerance
            return dataset
        })
}

extension LeRobotDataset: RobotDataset {
    public var isLocal: Bool { files == nil }

    public var facts: DatasetFacts {
        var facts = DatasetFacts(format: "LeRobot \(info.codebaseVersion.rawValue)", tasks: tasks.map(\.text))
        (facts.codebaseVersion, facts.robotType) = (info.codebaseVersion.rawValue, info.robotType)
        return facts
    }

    public var sourceFiles: [String] {
        get throws { try Set(cameras.flatMap { try contentFiles(camera: $0).map(\.path) }).sorted() }
    }

    public var episodeCount: Int { episodes.count }

    public func episode(_ position: Int) -> RobotEpisode {
        let episode = episodes[position]
        return RobotEpisode(
            index: episode.episodeIndex, length: episode.length, tasks: episode.tasks,
            changingTasks: episode.changingTasks)
    }

    // MARK: Cameras

    public func pictureFiles(of camera: Camera, _ readers: SharedReaders) -> PictureFiles {
        let files = DatasetFileTable(self, camera: camera, indexes: readers.indexes)
        return PictureFiles(
            fileOfEpisode: files.fileOfEpisode,
            locality: FileLocality(
                expect: { try files.expect($0) }, framesPerKeyframe: { try files.framesPerKeyframe($0) }))
    }

    public func readingCost(of camera: Camera) -> (files: Int, pixels: Int) {
        let files = Set(episodes.lazy.map { $0.videos.first??.file ?? $0.dataFile }.prefix(1000)).count
        let shape = info.feature(camera.key)?.shape ?? []
        guard shape.count == 3, shape.allSatisfy({ (1...16_384).contains($0) }) else { return (files, 640 * 480) }
        return (files, shape.sorted().suffix(2).reduce(1, *))
    }

    public func frames(of camera: Camera, look: CameraLook, from readers: SharedReaders) throws -> any FrameProvider {
        try FrameReader(
            dataset: self, camera: camera, indexes: readers.indexes, pool: readers.pool,
            checksDamage: readers.checksDamage, look: look)
    }

    public func notes(on camera: Camera, flip: FrameOrientation?, order: ChannelOrder?) throws -> [LookNote] {
        try notes(on: camera)
    }

    // MARK: Checks

    public func prepared(
        for cameras: [Camera], onBadSample: BadSampleOption
    ) throws -> (dataset: any RobotDataset, notes: [[String]]) {
        let findings = try cameras.map { try VideoCheck(self, camera: $0).findings(onBadSample: onBadSample) }
        var dataset = self
        for (camera, found) in zip(cameras, findings) {
            try dataset.leaveOut(found.leftOut, of: camera)
            dataset.comparedVideos.formUnion(found.compared)
        }
        return (dataset, findings.map(\.notes))
    }

    public func report(on camera: Camera, onBadSample: BadSampleOption) throws -> CameraReport {
        guard camera.kind == .video else {
            let reader = try FrameReader(dataset: self, camera: camera)
            return CameraReport(
                camera, size: try reader.sizes(episode: 0, frames: [0])[0],
                files: Set(episodes.flatMap(\.rows.files)).count)
        }
        let check = VideoCheck(self, camera: camera)
        if isLocal, onBadSample == .fail { try check.requireFrames(besides: comparedVideos) }
        let path = try check.firstVideo()
        let lease = try hold(path)
        defer { withExtendedLifetime(lease) {} }
        let index = try VideoIndex(path: path)
        return CameraReport(
            camera, size: (index.width, index.height),
            files: Set(episodes.compactMap { video(of: $0, camera: camera)?.file }).count, codec: index.codec,
            framesPerKeyframe: index.longestGroup)
    }

    public func verifyRows(part: Int, of parts: Int) throws -> [String] { part == 0 ? try verifyRows() : [] }

    // MARK: Rows

    public var columns: [DatasetColumn] {
        info.features.filter { $0.dtype != Camera.Kind.video.rawValue }.map {
            DatasetColumn(name: $0.name, dtype: $0.dtype, shape: $0.shape)
        }
    }

    public func stored(
        _ column: DatasetColumn, in version: DatasetInfo.Version
    ) throws -> Result<StoredColumn, Unstorable> {
        // As they stand: lists, lists of lists and tables by part of the robot are all in use.
        let names = info.descriptions[column.name]?["names"] ?? .null
        let flat = StoredColumn(feature: column.name, dtype: column.dtype, shape: column.shape, names: names)
        return try flat.map { .success($0) } ?? NestedColumns(self, version: version).stored(column, names: names)
    }

    public func values(
        of columns: [StoredColumn], episode: Int, from readers: SharedReaders
    ) throws -> [[ParquetValue]] {
        let read = try columnValues(columns.map(\.feature), of: episodes[episode])
        return try zip(columns, read).map { column, own in
            guard let wrong = own.values.firstIndex(where: { !column.type.accepts($0) }) else { return own.values }
            let (path, row) = own.place(wrong)
            throw DataError.invalidField(
                path: path, line: nil, field: "\(column.feature) of row \(row)",
                expected: "\(column.dtype) \(column.shape)", got: String("\(own.values[wrong])".prefix(100)))
        }
    }

    public func actions(episode: Int, from readers: SharedReaders) throws -> [[Double]]? {
        try values(of: "action", in: episodes[episode])
    }

    // MARK: Taking over as it is

    /// Checks that every episode has pictures of a camera.
    public func requirePictures(of camera: Camera) throws {
        let left = try VideoCheck(self, camera: camera).findings(onBadSample: .fail).leftOut
        guard camera.kind == .video else { return }
        if let episode = try episodes.first(where: { left.contains(try videoFile(of: $0, camera: camera)) }) {
            throw DataError.missingVideo(
                dataset: name, camera: camera.key, episode: episode.episodeIndex,
                path: try videoFile(of: episode, camera: camera))
        }
        for episode in episodes where video(of: episode, camera: camera) == nil {
            throw DataError.noVideo(dataset: name, camera: camera.key, episode: episode.episodeIndex)
        }
    }

    public func takeVideo(
        episode: Int, camera: Camera, to path: String, from readers: SharedReaders
    ) throws -> String? {
        guard camera.kind == .video else { return "its pictures are stored one by one" }
        return try KeptPictures(dataset: self, camera: camera, readers: readers).takeVideo(episode: episode, to: path)
    }

    public func keptPictures(of camera: Camera, from readers: SharedReaders) -> KeptPictures? {
        camera.content.isColor ? nil : KeptPictures(dataset: self, camera: camera, readers: readers)
    }

    public func extras(in version: DatasetInfo.Version) throws -> ConversionExtras {
        var extras = try ConversionExtras(of: self, version: version)
        extras.descriptions = info.descriptions
        return extras
    }
}
