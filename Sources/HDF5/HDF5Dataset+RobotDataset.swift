import DataCore
import Datasets
import Formats
import Parquet

extension DatasetFormat {
    public static let hdf5 = DatasetFormat(
        name: "HDF5", takesCorrections: true, recognises: { HDF5Dataset.exists(at: $0) },
        open: {
            try HDF5Dataset(
                path: $0, name: $1.name, fps: $1.fps, orientation: $1.orientation, channelOrder: $1.channelOrder,
                filter: $1.filter)
        })
}

extension HDF5Dataset: RobotDataset {
    public var facts: DatasetFacts {
        var facts = DatasetFacts(format: "\(layout.rawValue) HDF5", tasks: tasks)
        (facts.flip, facts.leftOut) = (orientation.rawValue, leftOut)
        return facts
    }

    public var selection: String { filter ?? "" }
    public var sourceFiles: [String] { files }
    public var episodeCount: Int { episodes.count }

    public func episode(_ position: Int) -> RobotEpisode {
        let episode = episodes[position]
        return RobotEpisode(
            index: position, length: episode.length, tasks: [episode.task],
            origin: String(files[episode.file].dropFirst(root.count)) + episode.group)
    }

    // MARK: Cameras

    public func pictureFiles(of camera: Camera, _ readers: SharedReaders) -> PictureFiles {
        // A frame costs its chunk, as it costs its group of pictures in a video.
        let frames = framesPerChunk[camera.key] ?? 1
        return PictureFiles(
            fileOfEpisode: episodes.map(\.file), locality: FileLocality(framesPerKeyframe: { _ in frames }))
    }

    public func readingCost(of camera: Camera) -> (files: Int, pixels: Int) {
        let size = sizes[camera.key] ?? HDF5Contents.Size(width: 640, height: 480)
        let pixels = size.width * size.height
        // A reader keeps two rows of chunks; a video is counted with 24 bytes a pixel.
        let kept = min(2 * HDF5RowReader.largestSlab, 6 * pixels * (framesPerChunk[camera.key] ?? 0)) / 24
        return (files.count, pixels + kept)
    }

    public func frames(of camera: Camera, look: CameraLook, from readers: SharedReaders) throws -> any FrameProvider {
        try HDF5FrameReader(dataset: self, camera: camera, pool: readers.pool, look: look)
    }

    // MARK: Checks

    public func report(on camera: Camera, onBadSample: BadSampleOption) throws -> CameraReport {
        let size = try frames(of: camera, from: SharedReaders()).sizes(episode: 0, frames: [0])[0]
        return CameraReport(
            camera, size: size, files: files.count, framesPerKeyframe: framesPerChunk[camera.key] ?? 1)
    }

    public func verifyRows(part: Int, of parts: Int) throws -> [String] {
        let pool = ReaderPool(maximumOpenFiles: 2)
        for position in episodes(ofPart: part, of: parts) {
            for array in arrays { _ = try values(of: array, episode: position, pool: pool) }
        }
        return []
    }

    // MARK: Rows

    public var columns: [DatasetColumn] {
        arrays.map {
            DatasetColumn(name: $0.feature, dtype: $0.type.description, shape: $0.shape.isEmpty ? [1] : $0.shape)
        }
    }

    public func stored(
        _ column: DatasetColumn, in version: DatasetInfo.Version
    ) throws -> Result<StoredColumn, Unstorable> {
        let array = array(of: column.name)
        guard let stored = StoredColumn(feature: array.feature, dtype: array.type.dtype ?? "", shape: array.shape)
        else { return .failure(Unstorable("\(array.type) \(array.shape) has no form in a LeRobot dataset")) }
        return .success(stored)
    }

    public func values(
        of columns: [StoredColumn], episode: Int, from readers: SharedReaders
    ) throws -> [[ParquetValue]] {
        try columns.map { column in
            let array = array(of: column.feature)
            let values = try values(of: array, episode: episode, pool: readers.pool)
            // A single number in a list is stored as the number, as `shape` [1] says.
            guard array.shape == [1] else { return values }
            return values.map { if case .list(let list) = $0 { list[0] } else { $0 } }
        }
    }

    private func array(of column: String) -> HDF5Column {
        guard let array = arrays.first(where: { $0.feature == column }) else {
            preconditionFailure("\(column) is no column of \(name): \(arrays.map(\.feature))")
        }
        return array
    }

    // MARK: Taking over as it is

    public func extras(in version: DatasetInfo.Version) throws -> ConversionExtras {
        ConversionExtras(robotType: layout == .aloha ? "aloha" : nil)
    }
}
