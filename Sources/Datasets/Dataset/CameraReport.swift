/// How the pictures of one camera of a dataset are stored.
public struct CameraReport: Sendable, Encodable {
    public let key: String
    /// `video` or `image`.
    public let kind: String
    public let width: Int
    public let height: Int
    /// By the first file's content; `nil` for images.
    public let codec: String?
    /// Frames from one keyframe of the first video to the next, at most; 1 for images.
    public let framesPerKeyframe: Int?
    /// Distinct videos, or data files for images.
    public let files: Int
    /// `colour`, or what a depth camera's numbers are.
    public let content: String

    enum CodingKeys: String, CodingKey {
        case key, kind, width, height, codec, files, content
        case framesPerKeyframe = "frames_per_keyframe"
    }

    public init(
        _ camera: Camera, size: (width: Int, height: Int), files: Int, codec: String? = nil,
        framesPerKeyframe: Int? = 1
    ) {
        (key, kind, content) = (camera.key, camera.kind.rawValue, camera.content.description)
        (width, height) = size
        (self.files, self.codec, self.framesPerKeyframe) = (files, codec, framesPerKeyframe)
    }
}
