/// The length of a frame pair's window: frames `t` and `t + k - 1` make the pair.
public enum WindowRule: ConfigRepresentable {
    /// Drawn for each sample from the dataset's frame rate and the lists of dataset names.
    case fps
    /// Drawn once per run, from the names only.
    case original
    /// The same `k` frames for every pair.
    case frames(Int)

    public static var typeDescription: String { "`fps`, `original`, or a number of frames from 2 up" }

    public init(decoding node: ConfigNode, at path: String, in context: inout ConfigContext) throws {
        switch node.value {
        case .string("fps"): self = .fps
        case .string("original"): self = .original
        case .int(let frames) where frames >= 2: self = .frames(frames)
        default: throw node.invalid(path, expected: "fps, original, or a number of frames from 2 up")
        }
    }

    public var configValue: ConfigValue {
        switch self {
        case .fps: .string("fps")
        case .original: .string("original")
        case .frames(let count): .int(count)
        }
    }
}
