import DataCore
import Formats
import Foundation
import Parquet
import Video

/// Frames of a camera that is stored as encoded pictures in a column of the data files: structures of `bytes` (the PNG,
/// JPEG or TIFF file) and `path` (where the picture lies, relative to the dataset, if `bytes` is null). SPEC_LEROBOT §1.
final class ImageFrameSource: FrameSource {
    private let dataset: LeRobotDataset
    private let camera: Camera
    private let converter = RGBConverter()
    private let depth: DepthReader
    private let pool: ReaderPool
    private var current: (path: String, table: OpenTable)?

    init(dataset: LeRobotDataset, camera: Camera, pool: ReaderPool) {
        self.dataset = dataset
        self.camera = camera
        depth = DepthReader(camera.content.depth ?? DepthScale())
        self.pool = pool
    }

    deinit { release() }

    func image(episode: Episode, frame: Int) throws -> RGBImage {
        try decode(episode: episode, frame: frame) { try EncodedImage.decode($0, converter: converter) }
    }

    func stored(episode: Episode, frame: Int) throws -> StoredPicture {
        try decode(episode: episode, frame: frame) { try EncodedImage.stored($0, depth, converter: converter) }
    }

    /// The bytes of a picture's file.
    func file(episode: Episode, frame: Int) throws -> [UInt8] {
        try decode(episode: episode, frame: frame) { $0 }
    }

    private func decode<Picture>(
        episode: Episode, frame: Int, _ decode: ([UInt8]) throws -> Picture
    ) throws -> Picture {
        let (file, row) = try place(of: frame, in: episode)
        let path = try dataset.dataFile(file)
        let table = try table(path).file
        func failure(_ reason: String) -> DataError {
            .unreadableImage(path: path, row: row, column: camera.key, reason: reason)
        }
        guard let value = try table.values(camera.key, rows: row..<row + 1).first else {
            throw failure("expected a picture, got no row")
        }
        do {
            return try decode(encoded(value))
        } catch let error as EncodedImage.Failure {
            throw failure(error.reason)
        }
    }

    /// Of datasets whose rows were not read on opening the file says which is which, once for each time it is opened.
    private func place(of frame: Int, in episode: Episode) throws -> (file: FileNumber, row: Int) {
        guard !dataset.rowsAreChecked else { return episode.rows.place(of: frame) }
        return try dataset.rows(of: episode) { file in
            let table = try table(dataset.dataFile(file))
            let scan = try table.scan ?? DataFileScan(table.file, fps: dataset.fps, readsTasks: false)
            table.scan = scan
            return scan
        }.place(of: frame)
    }

    func release() {
        guard let current else { return }
        self.current = nil
        pool.giveBack(current.table, current.path)
    }

    private func table(_ path: String) throws -> OpenTable {
        if let current, current.path == path { return current.table }
        release()
        let table = try pool.take(path) {
            let lease = try dataset.hold(path)
            try MetadataFile.requireContent(path: path, purpose: "rows of dataset \(dataset.name)")
            return OpenTable(try ParquetFile(path: path), lease: lease)
        }
        current = (path, table)
        return table
    }

    /// The bytes of a picture's file.
    private func encoded(_ value: ParquetValue) throws -> [UInt8] {
        if case .bytes(let bytes) = value["bytes"] ?? value { return bytes }
        guard case .string(let relative) = value["path"] else {
            throw EncodedImage.Failure(
                reason: String("expected a structure of bytes and path, got \(value)".prefix(200)))
        }
        guard !relative.hasPrefix("/"), !relative.contains("\0"),
            !relative.split(separator: "/").contains("..")
        else { throw EncodedImage.Failure(reason: "expected a path below the dataset root, got \(relative)") }
        let file = "\(dataset.root)/\(relative)"
        let lease = try dataset.hold(file)
        defer { withExtendedLifetime(lease) {} }
        try MetadataFile.requireContent(path: file, purpose: "a picture of camera \(camera.key)")
        do {
            return try Array(Data(contentsOf: URL(fileURLWithPath: file)))
        } catch {
            throw DataError.unreadableFile(path: file, reason: error.localizedDescription)
        }
    }
}

/// A table's footer, and what keeps the file where it is.
private final class OpenTable: PooledReader {
    let file: ParquetFile
    /// Read where the dataset's rows were not.
    var scan: DataFileScan?
    private let lease: (any Sendable)?
    /// What the footer of a file of some hundred row groups takes.
    var bytes: Int { 1 << 20 }

    init(_ file: ParquetFile, lease: (any Sendable)?) {
        (self.file, self.lease) = (file, lease)
    }
}
