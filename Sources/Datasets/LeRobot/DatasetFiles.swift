import DataCore

/// Where the files of a dataset come from, for datasets that are not on this disk from the beginning.
public protocol DatasetFiles: Sendable {
    /// What the dataset's content is: equal for equal bytes, wherever they lie.
    var identity: String { get }

    /// Paths of all files below the dataset's root; nil where only those on this disk are known.
    var names: [String]? { get }

    /// Brings a file to this disk and keeps it there while the result lives.
    ///
    /// - Parameter file: path below the dataset's root.
    /// - Throws: `DataError`; `FormatError.io`.
    func hold(_ file: String) throws -> any Sendable

    /// A file that is read by parts, as bringing all of it would take long; nil where `hold` is the way.
    func partial(_ file: String) throws -> (any ByteSource)?

    /// Checks that a file exists, without fetching it.
    func require(_ file: String) throws

    /// Says which files will be asked for soon, the most urgent first; what was said before and has not begun is
    /// forgotten.
    func expect(_ files: [String])
}
