import DataCore
import Formats
import Parquet
import Video

extension RobotDataset {
    public var isLocal: Bool { true }
    public var notes: [String] { [] }
    public var selection: String { "" }
    public var columns: [DatasetColumn] { [] }
    public var totalFrames: Int { (0..<episodeCount).reduce(0) { $0 + episode($1).length } }

    public func requireTasks() throws {}
    public func episodeFacts(_ field: String) throws -> [[String]]? { nil }
    public func keeping(_ positions: [Int]) -> (any RobotDataset)? { nil }

    /// The camera to learn from where none is named.
    public func camera() throws -> Camera { try camera(preferred: nil) }

    public func camera(preferred: String?) throws -> Camera {
        guard let preferred else { return try cameras.onlyColor(of: name) }
        guard let camera = cameras.first(where: { $0.isNamed(preferred) }) else {
            throw DataError.unknownCamera(dataset: name, camera: preferred, cameras: cameras.map(\.key))
        }
        return camera
    }

    public func positions(with camera: Camera) -> [Int] { Array(0..<episodeCount) }

    public func pictureFiles(of camera: Camera, _ readers: SharedReaders) -> PictureFiles {
        PictureFiles(fileOfEpisode: [Int](repeating: 0, count: episodeCount))
    }

    public func readingCost(of camera: Camera) -> (files: Int, pixels: Int) { (episodeCount, 640 * 480) }

    public func contentFiles(camera: Camera) throws -> [(name: String, path: String)] {
        let prefix = root + "/"
        return try sourceFiles.map { ($0.hasPrefix(prefix) ? String($0.dropFirst(prefix.count)) : "file", $0) }
    }

    /// Pictures of a camera as their files ask for.
    public func frames(of camera: Camera, from readers: SharedReaders) throws -> any FrameProvider {
        try frames(of: camera, look: look(of: camera, flip: nil, order: nil), from: readers)
    }

    public func look(of camera: Camera, flip: FrameOrientation?, order: ChannelOrder?) -> CameraLook {
        CameraLook(flip: flip ?? .asStored, exchangesRedAndBlue: order == .bgr)
    }

    public func notes(on camera: Camera, flip: FrameOrientation?, order: ChannelOrder?) throws -> [LookNote] { [] }

    public func prepared(
        for cameras: [Camera], onBadSample: BadSampleOption
    ) throws -> (dataset: any RobotDataset, notes: [[String]]) {
        (self, cameras.map { _ in [] })
    }

    public func report(on camera: Camera, onBadSample: BadSampleOption) throws -> CameraReport {
        let size = try frames(of: camera, from: SharedReaders()).sizes(episode: 0, frames: [0])[0]
        return try CameraReport(camera, size: size, files: sourceFiles.count)
    }

    public func verifyRows(part: Int, of parts: Int) throws -> [String] { [] }

    public func stored(
        _ column: DatasetColumn, in version: DatasetInfo.Version
    ) throws -> Result<StoredColumn, Unstorable> {
        guard let stored = StoredColumn(feature: column.name, dtype: column.dtype, shape: column.shape) else {
            return .failure(Unstorable("\(column.dtype) \(column.shape) has no form in a LeRobot dataset"))
        }
        return .success(stored)
    }

    public func values(
        of columns: [StoredColumn], episode: Int, from readers: SharedReaders
    ) throws -> [[ParquetValue]] {
        precondition(columns.isEmpty, "\(Self.self) has columns and does not read them")
        return []
    }

    public func actions(episode: Int, from readers: SharedReaders) throws -> [[Double]]? { nil }

    public func requirePictures(of camera: Camera) throws {}
    public func takeVideo(
        episode: Int, camera: Camera, to path: String, from readers: SharedReaders
    ) throws -> String? { "its pictures are in no video of a LeRobot dataset" }
    public func keptPictures(of camera: Camera, from readers: SharedReaders) -> KeptPictures? { nil }
    public func extras(in version: DatasetInfo.Version) throws -> ConversionExtras { ConversionExtras() }

    /// Part `part` of `parts` runs of episodes; neighbours share files.
    package func episodes(ofPart part: Int, of parts: Int) -> Range<Int> {
        episodeCount * part / parts..<episodeCount * (part + 1) / parts
    }
}
