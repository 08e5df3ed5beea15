import DataCore
import Formats
import Foundation

/// What is known of an episode's video once it is written; kept as a note until all are.
package struct CameraStatistics {
    package let width: Int
    package let height: Int
    package let codec: String
    package let statistics: ColumnStatistics
    /// Why the pictures were encoded; empty where they are taken as they were.
    package let encodedBecause: String

    package init(
        width: Int, height: Int, codec: String, statistics: ColumnStatistics, encodedBecause: String = ""
    ) {
        (self.width, self.height, self.codec, self.statistics) = (width, height, codec, statistics)
        self.encodedBecause = encodedBecause
    }

    package static func write(_ cameras: [CameraStatistics], to path: String) throws {
        let json = JSON.array(
            cameras.map {
                .object([
                    ("width", .int($0.width)), ("height", .int($0.height)), ("codec", .string($0.codec)),
                    ("statistics", $0.statistics.json(isCamera: true)),
                    ("encoded_because", .string($0.encodedBecause)),
                ])
            })
        try AtomicFile.write(Array(json.text().utf8), to: path)
    }

    /// Nil if there is no such note, or a damaged one.
    package static func read(path: String, cameras: Int) -> [CameraStatistics]? {
        guard let data = try? Data(contentsOf: URL(fileURLWithPath: path)),
            let list = (try? JSON.parse(data, path: path))?.array, list.count == cameras
        else { return nil }
        let notes = list.compactMap { json -> CameraStatistics? in
            guard let width = json["width"]?.int, let height = json["height"]?.int, let codec = json["codec"]?.string,
                let statistics = json["statistics"].flatMap({ ColumnStatistics(cameraJSON: $0) }),
                let encodedBecause = json["encoded_because"]?.string
            else { return nil }
            return CameraStatistics(
                width: width, height: height, codec: codec, statistics: statistics, encodedBecause: encodedBecause)
        }
        return notes.count == cameras ? notes : nil
    }
}
