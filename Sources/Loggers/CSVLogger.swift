import Configuration
import Formats
import Foundation

/// Lightning's `CSVLogger` in files: `metrics.csv`, a row for each logged step with a sorted column for each tag, and
/// `hparams.yaml`.
///
/// Rows are appended; where a tag is new, the file is replaced by one with its column, as Lightning does. Values are spelled as
/// Python does (`1.0`, `nan`, `inf`).
public final class CSVLogger: MetricsLogger {
    public static let fileName = "metrics.csv"

    public let directory: String
    public var reading: LogReading? { LogReading("table", "\(ShownPath("\(directory)/\(Self.fileName)"))") }
    private let prefix: String
    private var columns: [String] = []
    /// The rows so far, each a value for some of the columns; kept for the day when a new column comes.
    private var rows: [[String: String]] = []
    private var file: AppendedFile?

    /// - Throws: `FormatError` when the disk does not take `hparams.yaml`.
    init(directory: String, prefix: String, hyperParameters: ConfigValue) throws {
        (self.directory, self.prefix) = (directory, prefix)
        try AtomicFile.write(
            Array(TensorBoardLogger.hparams(hyperParameters).utf8), to: directory + "/hparams.yaml")
    }

    public func log(step: Int, values: [(tag: String, value: Double)]) throws {
        guard !values.isEmpty else { return }
        var row = ["step": "\(step)"]
        for (tag, value) in values { row[prefix.isEmpty ? tag : "\(prefix)-\(tag)"] = Self.text(value) }
        rows.append(row)
        let known = Set(columns)
        guard row.keys.allSatisfy(known.contains), let file else { return try rewrite(adding: row.keys.map { $0 }) }
        try file.append(line(row))
    }

    /// Images and histograms have no place in a table of numbers.
    public func image(step: Int, tag: String, _ image: PNGImage) {}
    public func histogram(step: Int, tag: String, counts: [Double]) {}

    public func close() throws { try file?.close() }

    private func rewrite(adding names: [String]) throws {
        columns = Set(columns).union(names).sorted()
        let header = Array((columns.map(Self.quoted).joined(separator: ",") + "\r\n").utf8)
        try file?.close()
        let path = "\(directory)/\(Self.fileName)"
        try AtomicFile.write(header + rows.flatMap(line), to: path)
        file = try AppendedFile(path)
    }

    private func line(_ row: [String: String]) -> [UInt8] {
        Array((columns.map { row[$0] ?? "" }.joined(separator: ",") + "\r\n").utf8)
    }

    private static func text(_ value: Double) -> String {
        value.isNaN ? "nan" : value.isInfinite ? (value < 0 ? "-inf" : "inf") : "\(value)"
    }

    /// RFC 4180.
    private static func quoted(_ text: String) -> String {
        guard text.contains(where: { ",\"\r\n".contains($0) }) else { return text }
        return "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
    }
}

extension CSVLoggerConfiguration: OpenableLogger {
    package func runsFolder(_ start: LoggerStart) -> String {
        RunDirectory.folder(saveDir: saveDir, name: name, defaultRoot: start.defaultRoot)
    }

    package func open(_ start: LoggerStart) throws -> any MetricsLogger {
        let run = try RunDirectory.create(in: runsFolder(start), version: version)
        return try CSVLogger(directory: run.path, prefix: prefix, hyperParameters: start.hyperParameters)
    }
}
