/// The length of a frame pair's window: frames `t` and `t + k - 1` make the pair.
public enum WindowSetting: ConfigRepresentable {
    /// Drawn for each sample from the dataset's frame rate and the lists of dataset names.
    case auto
    /// Drawn once per run, from the names only.
    case original
    /// The same `k` frames for every pair.
    case fixed(Int)

    public static var typeDescription: String { "`auto`, `original`, or a number of frames from 2 up" }

    public init(decoding node: ConfigNode, at path: String, in context: inout ConfigContext) throws {
        switch node.value {
        case .string("auto"): self = .auto
        case .string("original"): self = .original
        case .int(let frames) where frames >= 2: self = .fixed(frames)
        default: throw node.invalid(path, expected: "auto, original, or a number of frames from 2 up")
        }
    }

    public var configValue: ConfigValue {
        switch self {
        case .auto: .string("auto")
        case .original: .string("original")
        case .fixed(let count): .int(count)
        }
    }
}
