import DataCore
import Video

/// A view of what happens: pictures of every frame of a dataset.
public struct Camera: Sendable, Hashable {
    public enum Kind: String, Sendable {
        /// Frames of mp4 files, `videos/…`.
        case video
        /// Encoded pictures (PNG, JPEG, TIFF) in a column of the data files.
        case image
    }

    /// Its name, of LeRobot datasets the feature's.
    public let key: String
    /// How pictures are stored.
    public let kind: Kind
    /// What they show: colours, or how far away things are.
    public let content: CameraContent

    public init(key: String, kind: Kind, content: CameraContent = .color) {
        self.key = key
        self.kind = kind
        self.content = content
    }
    /// What LeRobot's names of cameras begin with.
    package static let prefix = "observation.images."

    /// Whether a user means it by a name, with or without the prefix.
    package func isNamed(_ name: String) -> Bool { key == name || key == Self.prefix + name }
}

extension [Camera] {
    package var inColor: [Camera] { filter(\.content.isColor) }

    /// The camera to take where none is named.
    ///
    /// - Throws: `DataError.noCameras`, `.noColorCamera`, `.ambiguousCamera`.
    package func onlyColor(of dataset: String) throws -> Camera {
        guard !isEmpty else { throw DataError.noCameras(dataset: dataset) }
        guard let first = inColor.first else {
            throw DataError.noColorCamera(dataset: dataset, cameras: map(\.key))
        }
        guard inColor.count == 1 else {
            throw DataError.ambiguousCamera(dataset: dataset, cameras: inColor.map(\.key))
        }
        return first
    }
}
