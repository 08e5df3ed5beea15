/// A kind of file that holds the latent actions of one episode.
public protocol LabelFormat: Sendable {
    /// Without a dot.
    var fileExtension: String { get }
    /// Writes a file that appears whole or not at all.
    func write(_ labels: EpisodeLabels, columns: LabelColumns, to path: String) throws
    /// The rows of a file.
    ///
    /// - Throws: `PredictionError.unreadableLabels`; `ParquetError`.
    func rows(of path: String, columns: LabelColumns) throws -> [EpisodeLabels.Row]
    /// Whether `rows` reads what `write` writes, which merging needs.
    var isReadable: Bool { get }
    /// Writes what a dataset's folder has beside the files of its episodes, all of which are there.
    func complete(_ files: [String], in folder: String) throws
}

extension LabelFormat {
    public var isReadable: Bool { true }
    public func complete(_ files: [String], in folder: String) throws {}
}

extension PredictionError {
    /// An integer from a file, in the range that it has to be in.
    static func checked(_ value: Int64, _ what: String, in range: Range<Int>, path: String) throws -> Int {
        guard let value = Int(exactly: value), range.contains(value) else {
            throw unreadableLabels(path: path, expected: "\(what) in \(range)", got: "\(value)")
        }
        return value
    }
}
