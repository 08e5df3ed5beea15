import Configuration
import Formats
import Foundation

/// Lightning's `WandbLogger` in files: `save_dir/wandb/offline-run-TIME-ID`, which `wandb sync` uploads.
///
/// A row of the history is all that was logged at a step: it is written when the next step comes, or at the end.
public final class WandbLogger: MetricsLogger {
    public let directory: String
    public var reading: LogReading? { LogReading("W&B", "wandb sync \(ShownPath(directory))") }
    private let settings: WandbLoggerConfiguration
    private let file: WandbFile
    private let started: Double
    private let now: () -> Double
    private var number: Int64 = 0
    private var row: (step: Int, items: [(name: String, json: String)])?
    private var summary: [String: String] = [:]
    private var isClosed = false

    /// - Parameters:
    ///   - folder: where runs' folders are.
    ///   - now: seconds since 1970.
    /// - Throws: `LoggerError` when the disk does not take the run.
    init(
        _ settings: WandbLoggerConfiguration, in folder: String, start: LoggerStart,
        now: @escaping () -> Double = { Date().timeIntervalSince1970 }
    ) throws {
        (self.settings, self.now) = (settings, now)
        started = start.now.timeIntervalSince1970
        let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789")
        let id = settings.version ?? String((0..<8).map { _ in letters[Int.random(in: 0..<letters.count)] })
        directory = "\(folder)/offline-run-\(Self.time(start.now))-\(id)"
        try Folder.create(directory + "/files")
        file = try WandbFile("\(directory)/run-\(id).wandb")
        try append(WandbRecord.header)
        let config = start.hyperParameters.entries.map { (name: $0, json: $1.json) }
        let host = ProcessInfo.processInfo.hostName
        try append { .run($0, id: id, settings: settings, config: config, host: host, start: started) }
    }

    public func log(step: Int, values: [(tag: String, value: Double)]) throws {
        for (tag, value) in values { try add(tag, JSONText.number(value), step: step) }
    }

    public func image(step: Int, tag: String, _ image: PNGImage) throws {
        let bytes = try image.encoded()
        let digest = SHA256.hexadecimal(of: bytes)
        let plain = String(tag.map { $0.isASCII && ($0.isLetter || $0.isNumber || "-_".contains($0)) ? $0 : "_" })
        let path = "media/images/\(plain)_\(step)_\(digest.prefix(20)).png"
        try Folder.create("\(directory)/files/media/images")
        try AtomicFile.write(bytes, to: "\(directory)/files/\(path)")
        try append { .file($0, path: path) }
        let fields = [
            "\"_type\": \"image-file\"", "\"path\": \(JSONText.quoted(path))", "\"sha256\": \"\(digest)\"",
            "\"size\": \(bytes.count)", "\"format\": \"png\"", "\"width\": \(image.width)",
            "\"height\": \(image.height)",
        ]
        try add(tag, "{" + fields.joined(separator: ", ") + "}", step: step)
    }

    public func histogram(step: Int, tag: String, counts: [Double]) throws {
        let bins = (0...counts.count).map { JSONText.number(Double($0) - 0.5) }.joined(separator: ", ")
        let values = counts.map(JSONText.number).joined(separator: ", ")
        try add(tag, "{\"_type\": \"histogram\", \"values\": [\(values)], \"bins\": [\(bins)]}", step: step)
    }

    public func close() throws {
        guard !isClosed else { return }
        isClosed = true
        try writeRow()
        let items = summary.sorted { $0.key < $1.key }.map { (name: $0.key, json: $0.value) }
        if !items.isEmpty { try append { .summary($0, items: items) } }
        try append { .exit($0, runtime: max(0, Int(now() - started))) }
        try file.close()
    }

    private func add(_ tag: String, _ json: String, step: Int) throws {
        if let row, row.step != step { try writeRow() }
        let name = settings.prefix.isEmpty ? tag : "\(settings.prefix)-\(tag)"
        var items = row?.items.filter { $0.name != name } ?? []
        items.append((name, json))
        row = (step, items)
    }

    private func writeRow() throws {
        guard let (step, items) = row else { return }
        row = nil
        let time = now()
        let own = [
            (name: "_step", json: "\(step)"), (name: "_timestamp", json: JSONText.number(time)),
            (name: "_runtime", json: JSONText.number(time - started)),
        ]
        for (name, json) in items + own { summary[name] = json }
        try append { .history($0, step: step, items: items + own) }
    }

    private func append(_ record: (Int64) -> WandbRecord) throws {
        number += 1
        try file.append(record(number))
    }

    /// `20261201_063000`, in UTC.
    private static func time(_ date: Date) -> String {
        var seconds = time_t(date.timeIntervalSince1970)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        return String(
            format: "%04d%02d%02d_%02d%02d%02d", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
            parts.tm_min, parts.tm_sec)
    }
}

extension WandbLoggerConfiguration: OpenableLogger {
    package func runsFolder(_ start: LoggerStart) -> String {
        URL(fileURLWithPath: saveDir ?? start.defaultRoot).appendingPathComponent("wandb").path
    }

    package func open(_ start: LoggerStart) throws -> any MetricsLogger {
        try WandbLogger(self, in: runsFolder(start), start: start)
    }
}

extension ConfigValue {
    /// The entries of a mapping; none of any other value.
    fileprivate var entries: [(String, ConfigValue)] {
        guard case .map(let entries) = self else { return [] }
        return entries.map { ($0.key, $0.value) }
    }
}
