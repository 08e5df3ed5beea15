import Formats
import Foundation
import Parquet
import Video

/// Finds out which of a LeRobot dataset's picture columns hold measurements though `info.json` does not say so: by the
/// first picture of each.
struct MeasurementProbe {
    let root: String
    let info: DatasetInfo

    /// The cameras, in the order of `info.json`.
    ///
    /// A picture that cannot be had says nothing here: whoever reads it will hear why.
    func cameras(_ first: Episode) throws -> [Camera] {
        try info.cameras.map { camera in
            guard camera.kind == .image, camera.content.isColor,
                let header = try header(camera, of: first), header.isMeasurement
            else { return camera }
            return Camera(key: camera.key, kind: camera.kind, content: .depth(DepthScale()))
        }
    }

    private func header(_ camera: Camera, of episode: Episode) throws -> PictureHeader? {
        let numbers =
            info.codebaseVersion == .v30
            ? ["chunk_index": episode.dataFile.chunk, "file_index": episode.dataFile.file]
            : ["episode_chunk": episode.dataFile.chunk, "episode_index": episode.dataFile.file]
        let path = "\(root)/\(try info.dataPath.path(numbers: numbers))"
        guard let table = try? ParquetFile(path: path), table.rowCount > 0,
            let value = try? table.values(camera.key, rows: 0..<1).first
        else { return nil }
        if case .bytes(let bytes) = value["bytes"] ?? value { return PictureHeader(bytes) }
        guard case .string(let relative) = value["path"], !relative.hasPrefix("/"),
            !relative.split(separator: "/").contains(".."),
            let file = FileHandle(forReadingAtPath: "\(root)/\(relative)")
        else { return nil }
        defer { try? file.close() }
        return (try? file.readToEnd()).flatMap { $0 }.flatMap { PictureHeader($0) }
    }
}
