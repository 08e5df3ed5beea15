import Configuration
import Formats
import Foundation

/// A run in Trackio's local store, written as Trackio's own `jsonl` mode does: immutable files of JSON lines in a folder of
/// this process in `TRACKIO_DIR/inbox`, which the dashboard takes into its database and removes.
///
/// Layout: `trackio/fragments.py` of Trackio 0.43, version 1. Nothing here needs SQLite.
public final class TrackioLogger: MetricsLogger {
    public let directory: String
    public var reading: LogReading? {
        let place = settings.storeDir == nil ? "" : "TRACKIO_DIR=\(ShownPath(store)) "
        return LogReading("Trackio", "\(place)trackio show --project \(ShownPath(settings.project))")
    }
    private let store: String
    private let settings: TrackioLoggerConfiguration
    private let run: String
    private let runID: String
    private let inbox: String
    private let now: () -> Date
    private var written = 0
    /// Told with the first values, once.
    private var config: ConfigValue?

    /// - Parameters:
    ///   - directory: the run's folder, for what Trackio has no place for.
    ///   - store: Trackio's folder.
    /// - Throws: `LoggerError` when the inbox cannot be made.
    init(
        _ settings: TrackioLoggerConfiguration, directory: String, store: String, start: LoggerStart,
        now: @escaping () -> Date = { Date() }
    ) throws {
        (self.settings, self.directory, self.store, self.now) = (settings, directory, store, now)
        run = settings.name ?? "run-\(start.now.ISO8601Format())"
        runID = UUID().uuidString.lowercased().replacingOccurrences(of: "-", with: "")
        inbox = "\(store)/inbox/\(runID.prefix(16))"
        var fields: [(String, ConfigValue)] = start.hyperParameters.flattened()
        if let group = settings.group { fields.append(("_Group", .string(group))) }
        fields.append(("_Created", .string(start.now.ISO8601Format())))
        config = .map(.init(fields) { $1 })
        try Folder.create(inbox)
    }

    public func log(step: Int, values: [(tag: String, value: Double)]) throws {
        guard !values.isEmpty else { return }
        let tagged = values.map { (settings.prefix.isEmpty ? $0.tag : "\(settings.prefix)-\($0.tag)", $0.value) }
        try write(step: step, metrics: "{" + JSONText.fields(tagged).joined(separator: ", ") + "}")
    }

    /// Pictures stay in the run's folder; a fragment has none.
    public func image(step: Int, tag: String, _ image: PNGImage) {}

    public func histogram(step: Int, tag: String, counts: [Double]) throws {
        let bins = (0...counts.count).map { JSONText.number(Double($0) - 0.5) }.joined(separator: ", ")
        let values = counts.map(JSONText.number).joined(separator: ", ")
        let histogram = "{\"_type\": \"trackio.histogram\", \"bins\": [\(bins)], \"values\": [\(values)]}"
        try write(step: step, metrics: "{\(JSONText.quoted(tag)): \(histogram)}")
    }

    public func close() {}

    private func write(step: Int, metrics: String) throws {
        let fields = [
            "\"v\": 1", "\"kind\": \"metric\"", "\"project\": \(JSONText.quoted(settings.project))",
            "\"run\": \(JSONText.quoted(run))", "\"run_id\": \"\(runID)\"", "\"metrics\": \(metrics)",
            "\"step\": \(step)",
            "\"timestamp\": \"\(now().ISO8601Format(Date.ISO8601FormatStyle(includingFractionalSeconds: true)))\"",
            "\"config\": \(config?.json ?? "null")",
            "\"log_id\": \"\(UUID().uuidString.lowercased().replacingOccurrences(of: "-", with: ""))\"",
        ]
        config = nil
        let name = String(format: "%08d.jsonl", written)
        written += 1
        // The dashboard may have removed the folder once it was empty.
        try Folder.create(inbox)
        try AtomicFile.write(Array(("{" + fields.joined(separator: ", ") + "}\n").utf8), to: "\(inbox)/\(name)")
    }
}

extension TrackioLoggerConfiguration: OpenableLogger {
    package func runsFolder(_ start: LoggerStart) -> String { "\(start.defaultRoot)/trackio_runs" }

    package func open(_ start: LoggerStart) throws -> any MetricsLogger {
        let run = try RunDirectory.create(in: runsFolder(start), version: nil)
        return try TrackioLogger(
            self, directory: run.path, store: storeDir ?? Self.store(start.environment), start: start)
    }

    /// Where Trackio 0.43 looks.
    private static func store(_ environment: [String: String]) -> String {
        func folder(_ name: String) -> String? {
            environment[name].flatMap { $0.isEmpty ? nil : HomeFolder.expanding($0) }
        }
        if let named = folder("TRACKIO_DIR") { return named }
        let cache = folder("XDG_CACHE_HOME") ?? HomeFolder.expanding("~/.cache")
        return (folder("HF_HOME") ?? "\(cache)/huggingface") + "/trackio"
    }
}
