import Formats
import Foundation

/// Frames of a camera that is stored as encoded pictures in a column of the data files: structures of `bytes` (the PNG
/// or JPEG file) and `path` (where the picture lies, relative to the dataset, if `bytes` is null). SPEC_LEROBOT §1.
final class ImageFrameSource: FrameSource {
    private let dataset: LeRobotDataset
    private let camera: Camera
    private let converter = RGBConverter()
    private var tables: RecentlyUsed<String, ParquetFile>

    init(dataset: LeRobotDataset, camera: Camera, maximumOpenFiles: Int) {
        self.dataset = dataset
        self.camera = camera
        tables = RecentlyUsed(capacity: maximumOpenFiles)
    }

    func image(episode: Episode, frame: Int) throws -> RGBImage {
        let path = try dataset.dataFile(of: episode)
        let table = try tables.value(for: path) {
            try MetadataFile.requireContent(path: path, purpose: "rows of dataset \(dataset.name)")
            return try ParquetFile(path: path)
        }
        let row = episode.rows.lowerBound + frame
        func failure(_ reason: String) -> DataError {
            .unreadableImage(path: path, row: row, column: camera.key, reason: reason)
        }
        guard let value = try table.values(camera.key, rows: row..<row + 1).first else {
            throw failure("expected a picture, got no row")
        }
        do {
            return try EncodedImage.decode(encoded(value), converter: converter)
        } catch let error as EncodedImage.Failure {
            throw failure(error.reason)
        }
    }

    /// The bytes of a PNG or JPEG file.
    private func encoded(_ value: ParquetValue) throws -> [UInt8] {
        if case .bytes(let bytes) = value["bytes"] { return bytes }
        guard case .string(let relative) = value["path"] else {
            throw EncodedImage.Failure(
                reason: String("expected a structure of bytes and path, got \(value)".prefix(200)))
        }
        guard !relative.hasPrefix("/"), !relative.contains("\0"),
            !relative.split(separator: "/").contains("..")
        else { throw EncodedImage.Failure(reason: "expected a path below the dataset root, got \(relative)") }
        let file = "\(dataset.root)/\(relative)"
        try MetadataFile.requireContent(path: file, purpose: "a picture of camera \(camera.key)")
        do {
            return try Array(Data(contentsOf: URL(fileURLWithPath: file)))
        } catch {
            throw DataError.unreadableFile(path: file, reason: error.localizedDescription)
        }
    }
}
