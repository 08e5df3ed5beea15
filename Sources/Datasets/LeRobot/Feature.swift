import Video

/// One entry of `features` in `info.json`: a column of the data files, or a video.
public struct Feature: Sendable, Equatable {
    /// Name as the files spell it, for example `observation.images.top`.
    public let name: String
    /// `video`, `image`, `float32`, `int64`, `bool`, `string`, …
    public let dtype: String
    /// Shape of one frame's value; `[1]` is stored as a scalar.
    public let shape: [Int]
    /// Names of the entries, flattened; empty if the file gives none.
    public let names: [String]
    /// Of a camera: what its pictures' numbers are.
    let content: CameraContent
}
