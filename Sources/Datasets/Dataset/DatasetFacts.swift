/// What a report says of a dataset, besides its episodes and cameras.
public struct DatasetFacts: Sendable {
    /// `LeRobot v3.0`, `LIBERO/robomimic HDF5`, `ALOHA HDF5`.
    public var format: String
    /// The instructions, each once.
    public var tasks: [String]
    /// Of LeRobot datasets.
    public var codebaseVersion: String?
    public var robotType: String?
    /// How pictures are turned to be upright, where the format tells; `none` if they are not.
    public var flip: String?
    /// Arrays that are no columns, with what they are.
    public var leftOut: [String] = []

    public init(format: String, tasks: [String]) { (self.format, self.tasks) = (format, tasks) }
}

/// A column of a dataset: numbers or texts of each frame.
public struct DatasetColumn: Sendable, Encodable {
    public let name: String
    public let dtype: String
    /// Of one frame's value.
    public let shape: [Int]

    public init(name: String, dtype: String, shape: [Int]) {
        (self.name, self.dtype, self.shape) = (name, dtype, shape)
    }
}

/// Why a column has no form in a LeRobot dataset.
public struct Unstorable: Error {
    public let reason: String

    public init(_ reason: String) { self.reason = reason }
}
