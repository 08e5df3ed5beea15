import DataCore
import Video

/// `meta/info.json`: what kind of dataset this is, at which rate it was recorded and what a frame consists of.
/// SPEC_LEROBOT §1.
public struct DatasetInfo: Sendable {
    public enum Version: String, Sendable, CaseIterable {
        case v20 = "v2.0"
        case v21 = "v2.1"
        case v30 = "v3.0"
    }

    public let codebaseVersion: Version
    /// Frames per second of all episodes and cameras; finite and > 0.
    public let fps: Double
    public let robotType: String?
    /// What the file says of the tables; nil where it does not.
    public let totalEpisodes: Int?
    public let totalFrames: Int?
    public let totalTasks: Int?
    /// Episodes (v2.x) or files (v3.0) per chunk folder.
    public let chunksSize: Int
    /// In the order of the file.
    public let features: [Feature]

    /// The entries of `features` as they stand in the file.
    let descriptions: [String: JSON]
    let dataPath: PathTemplate
    let videoPath: PathTemplate?

    /// Features that hold pictures, in the order of the file.
    public var cameras: [Camera] {
        features.compactMap { feature in
            Camera.Kind(rawValue: feature.dtype).map {
                Camera(key: feature.name, kind: $0, content: feature.content)
            }
        }
    }

    public func feature(_ name: String) -> Feature? { features.first { $0.name == name } }

    /// Largest count taken from a file: 2^40 frames are 1,100 years at 30 fps, and sums of such stay within Int.
    package static let countLimit = 1 << 40

    /// - Parameter path: of `info.json`.
    /// - Throws: `DataError` naming the field that is absent or wrong.
    package init(path: String) throws {
        let file = try MetadataFile(path: path, purpose: "the dataset's description")
        let json = try file.document()
        guard case .object = json else { throw file.invalid("document", "an object", json) }

        guard let versionText = json["codebase_version"]?.string else {
            throw file.invalid("codebase_version", "a string", json["codebase_version"])
        }
        // LeRobot compares numbers, so that the letter may be missing.
        guard let version = Version(rawValue: versionText) ?? Version(rawValue: "v" + versionText) else {
            throw DataError.unsupportedVersion(
                path: path, version: versionText, supported: Version.allCases.map(\.rawValue))
        }
        codebaseVersion = version
        // LeRobot 0.7 may keep a dataset in Lance tables, with the description of the files that are not there.
        if let storage = json["storage_format"]?.string, storage != "parquet" {
            throw DataError.unsupportedStorage(path: path, format: storage)
        }

        guard let fps = json["fps"]?.double, fps.isFinite, fps > 0, fps <= 1e6 else {
            throw file.invalid("fps", "a number > 0", json["fps"])
        }
        self.fps = fps
        robotType = json["robot_type"]?.string
        func count(_ field: String, from least: Int = 0) throws -> Int? {
            switch json[field] {
            case nil, .null: nil
            case .some(let value): try file.integer(value, field, in: least...Self.countLimit)
            }
        }
        // Nothing is read by these: what is no number says as little as what is missing.
        func total(_ field: String) -> Int? { try? count(field) }
        totalEpisodes = total("total_episodes")
        totalFrames = total("total_frames")
        totalTasks = total("total_tasks")
        chunksSize = try count("chunks_size", from: 1) ?? 1000
        features = try Self.features(json["features"], in: file)
        descriptions = Dictionary(
            uniqueKeysWithValues: features.map { ($0.name, json["features"]?[$0.name] ?? .null) })

        let numbers = version == .v30 ? ["chunk_index", "file_index"] : ["episode_chunk", "episode_index"]
        guard let dataPath = json["data_path"]?.string else {
            throw file.invalid("data_path", "a path template", json["data_path"])
        }
        self.dataPath = try PathTemplate(dataPath, field: "data_path", path: path, known: numbers)
        switch json["video_path"] {
        case .string(let template):
            videoPath = try PathTemplate(template, field: "video_path", path: path, known: numbers + ["video_key"])
        case nil, .null:
            videoPath = nil
        case .some(let other):
            throw file.invalid("video_path", "a path template or null", other)
        }
        if videoPath == nil, let camera = features.first(where: { $0.dtype == "video" }) {
            throw file.invalid("video_path", "a path template, as \(camera.name) is a video", json["video_path"])
        }
    }

    private static func features(_ json: JSON?, in file: MetadataFile) throws -> [Feature] {
        guard case .object(let members) = json else { throw file.invalid("features", "an object", json) }
        var seen: Set<String> = []
        return try members.map { name, value in
            guard !name.isEmpty, !name.contains("/"), seen.insert(name).inserted else {
                throw file.invalid("features", "distinct names without /", .string(name))
            }
            guard let dtype = value["dtype"]?.string else {
                throw file.invalid("features.\(name).dtype", "a string", value["dtype"])
            }
            guard let dimensions = value["shape"]?.array else {
                throw file.invalid("features.\(name).shape", "a list of integers", value["shape"])
            }
            let shape = try dimensions.map {
                try file.integer($0, "features.\(name).shape", in: 0...countLimit)
            }
            let names = strings(in: value["names"])
            return Feature(
                name: name, dtype: dtype, shape: shape, names: names,
                content: Camera.Kind(rawValue: dtype) == nil
                    ? .color : CameraContent(declaredBy: value, shape: shape, names: names))
        }
    }

    /// `names` is null, a list, a list of lists or an object of lists, depending on who wrote the set.
    private static func strings(in json: JSON?) -> [String] {
        switch json {
        case .string(let text): [text]
        case .array(let values): values.flatMap { strings(in: $0) }
        case .object(let members): members.flatMap { strings(in: $0.value) }
        default: []
        }
    }
}
