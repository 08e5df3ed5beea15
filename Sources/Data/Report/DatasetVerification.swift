import Datasets

/// Reads everything that training could ask of a dataset: every row's numbers and every frame of chosen cameras.
public struct DatasetVerification: Sendable, Encodable {
    /// Frames decoded, over all cameras.
    public let frames: Int
    /// Oddities that do not stop anything.
    public let warnings: [String]

    /// What is found in a run of episodes. Several processes can look at one each.
    public struct Findings: Sendable, Codable {
        struct Camera: Codable {
            struct Size: Codable {
                var episode: Int
                var width: Int
                var height: Int
            }

            var key: String
            /// Where the size of pictures is another than before, the first picture's among them.
            var sizes: [Size] = []
            /// Episodes whose place in their video is not where `from_timestamp` says.
            var drifting: [Int] = []
        }

        var frames = 0
        var cameras: [Camera] = []
        /// Of the rows.
        var notes: [String] = []
    }

    /// Frames held at once; episodes may be long.
    private static let batch = 16

    /// - Parameter progress: called with frames done and frames to do, about once per episode.
    /// - Throws: `DataError` or `ParquetError` for the first thing found wrong.
    public init(
        dataset: some RobotDataset, cameras: [Camera], progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws {
        self.init([try Self.findings(dataset: dataset, cameras: cameras, progress: progress)])
    }

    /// Puts together what processes have found, in the order of their parts.
    public init(_ parts: [Findings]) {
        frames = parts.reduce(0) { $0 + $1.frames }
        var warnings = parts.flatMap(\.notes)
        for place in parts.first?.cameras.indices ?? 0..<0 {
            let cameras = parts.compactMap { $0.cameras.indices.contains(place) ? $0.cameras[place] : nil }
            var last: Findings.Camera.Size?
            for size in cameras.flatMap(\.sizes) {
                if let last, (last.width, last.height) != (size.width, size.height) {
                    warnings.append(
                        "\(cameras[0].key): episode \(size.episode) has pictures of \(size.width)x\(size.height), "
                            + "others before it of \(last.width)x\(last.height)")
                }
                last = size
            }
            let drifting = cameras.flatMap(\.drifting)
            if let first = drifting.first {
                warnings.append(
                    "\(cameras[0].key): from_timestamp of \(drifting.count) episodes (first: \(first)) has drifted to "
                        + "another frame than the episodes' lengths; the lengths are used")
            }
        }
        self.warnings = warnings
    }

    /// Looks at part `part` of `parts` runs of episodes.
    ///
    /// - Throws: `DataError` or `ParquetError` for the first thing found wrong.
    public static func findings(
        dataset: some RobotDataset, cameras: [Camera], part: Int = 0, of parts: Int = 1,
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws -> Findings {
        var findings = Findings()
        findings.notes = try dataset.verifyRows(part: part, of: parts)
        let episodes = dataset.episodes(ofPart: part, of: parts)
        let total = episodes.reduce(0) { $0 + dataset.episode($1).length } * cameras.count
        for camera in cameras {
            let reader = try dataset.frames(of: camera, from: SharedReaders(checksDamage: true))
            var found = Findings.Camera(key: camera.key)
            let pictured = Set(dataset.positions(with: camera))
            for position in episodes where pictured.contains(position) {
                let episode = dataset.episode(position)
                progress(findings.frames, total)
                for start in stride(from: 0, to: episode.length, by: Self.batch) {
                    let numbers = Array(start..<min(start + Self.batch, episode.length))
                    for image in try reader.sizes(episode: position, frames: numbers)
                    where found.sizes.last.map({ ($0.width, $0.height) != (image.width, image.height) }) ?? true {
                        found.sizes.append(.init(episode: episode.index, width: image.width, height: image.height))
                    }
                    findings.frames += numbers.count
                }
                if try reader.hasDrifted(episode: position) { found.drifting.append(episode.index) }
            }
            findings.cameras.append(found)
        }
        progress(findings.frames, total)
        return findings
    }
}
