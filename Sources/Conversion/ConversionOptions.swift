import Datasets
import Video

/// How a dataset is to be written.
public struct ConversionOptions: Sendable, Equatable {
    /// v2.1 or v3.0.
    public var format = DatasetInfo.Version.v21
    public var codec = VideoCodec.h264
    /// Cameras to keep with their new names, all with their own names if empty. Names with or without
    /// `observation.images.`.
    public var cameras: [(from: String, to: String?)] = []
    public var actionConfig: ActionConfig.Source?
    /// Features, columns or cameras, that the new dataset is not to have.
    public var dropped: [String] = []
    /// Encodes even videos that could be taken as they are.
    public var recodes = false

    public init() {}

    public static func == (a: ConversionOptions, b: ConversionOptions) -> Bool { a.facts == b.facts }

    /// All that the files of an unfinished conversion depend on.
    var facts: [String: String] {
        [
            "format": format.rawValue, "codec": codec.rawValue, "recodes": "\(recodes)",
            "cameras": cameras.map { "\($0.from)=\($0.to ?? "")" }.joined(separator: ","),
            "drop": dropped.joined(separator: ","),
        ]
    }
}
