import Formats
import Foundation
import Reports

/// Writes `metrics.jsonl`: one JSON object per call, with `step`, `time` (seconds since 1970) and a key per tag.
///
/// Each line is one write, so that a reader, or a crash, finds whole lines. JSON has no NaN or infinity: these are the
/// texts `"NaN"`, `"Infinity"` and `"-Infinity"`, which Python's and JavaScript's number types read.
public final class JSONLinesLogger: MetricsLogger {
    public static let fileName = RunLog.fileName

    public let directory: String
    /// The file is what `lam plot` and `lam report` find in another logger's folder.
    public var reading: LogReading? { nil }
    private let file: AppendedFile
    private let now: () -> Double

    /// Opens the file in `directory` for appending.
    /// - Parameter now: seconds since 1970.
    /// - Throws: `LoggerError.io`.
    public init(directory: String, now: @escaping () -> Double = { Date().timeIntervalSince1970 }) throws {
        self.directory = directory
        self.now = now
        file = try AppendedFile(directory + "/" + Self.fileName)
    }

    public func log(step: Int, values: [(tag: String, value: Double)]) throws {
        try file.append(Array(Self.line(step: step, time: now(), values: values).utf8))
    }

    /// A line of its own, with a list in place of a number.
    public func histogram(step: Int, tag: String, counts: [Double]) throws {
        let list = counts.map(JSONText.number).joined(separator: ", ")
        let line = "{\"step\": \(step), \"time\": \(JSONText.number(now())), \(JSONText.quoted(tag)): [\(list)]}\n"
        try file.append(Array(line.utf8))
    }

    /// Images have no place in a file of lines.
    public func image(step: Int, tag: String, _ image: PNGImage) {}

    public func close() throws { try file.close() }

    /// One line of the file, with its newline. A tag that comes twice keeps its last value.
    public static func line(step: Int, time: Double, values: [(tag: String, value: Double)]) -> String {
        let fields = JSONText.fields(values)
        return "{" + (["\"step\": \(step)", "\"time\": \(JSONText.number(time))"] + fields).joined(separator: ", ")
            + "}\n"
    }
}
