import DataCore
import Datasets

/// Which cameras of a mix's datasets are looked at.
public enum CameraSelection: Sendable, Equatable {
    /// Of each dataset the one that a training takes.
    case configured
    /// All that see colours.
    case all
    /// Those of these names, with or without `observation.images.`; of each dataset at least one.
    case named([String])

    /// Reads `all` or `KEY,KEY`.
    public init(_ text: String) {
        self = text == "all" ? .all : .named(text.split(separator: ",").map(String.init))
    }

    /// - Throws: `DataError.unknownCamera`, `.ambiguousCamera`, `.noCameras`.
    func of(_ dataset: any RobotDataset, _ options: StreamOptions) throws -> [Camera] {
        switch self {
        case .configured: return try options.cameras(of: dataset)
        case .all:
            guard !dataset.cameras.isEmpty else { throw DataError.noCameras(dataset: dataset.name) }
            guard !dataset.cameras.inColor.isEmpty else {
                throw DataError.noColorCamera(dataset: dataset.name, cameras: dataset.cameras.map(\.key))
            }
            return dataset.cameras.inColor
        case .named(let names):
            let chosen = dataset.cameras.filter { camera in names.contains { camera.isNamed($0) } }
            guard !chosen.isEmpty else {
                throw DataError.unknownCamera(
                    dataset: dataset.name, camera: names.joined(separator: ", "), cameras: dataset.cameras.map(\.key))
            }
            return chosen
        }
    }

    /// Checks that there is no name without a camera.
    func requireUse(of datasets: [any RobotDataset]) throws {
        guard case .named(let names) = self else { return }
        let cameras = datasets.flatMap(\.cameras)
        for name in names where !cameras.contains(where: { $0.isNamed(name) }) {
            throw DataError.unknownCamera(
                dataset: datasets.map(\.name).joined(separator: ", "), camera: name, cameras: cameras.map(\.key))
        }
    }
}

extension StreamOptions {
    /// The cameras that these options choose: one, or all of a list.
    ///
    /// - Throws: `DataError.unknownCamera`, `.ambiguousCamera`, `.noCameras`, `.noColorCamera`.
    public func cameras(of dataset: any RobotDataset) throws -> [Camera] {
        guard let rule = imageKeys.first(for: dataset.name) else { return [try dataset.camera(preferred: nil)] }
        var cameras: [Camera] = []
        for key in rule.keys {
            let camera = try dataset.camera(preferred: key)
            if !cameras.contains(camera) { cameras.append(camera) }
        }
        return cameras
    }
}
