import Formats
import Foundation
import OrderedCollections

/// The event file that a `TensorBoardLogger` writes through.
public protocol EventWriter: AnyObject {
    /// Appends one value.
    /// - Parameter wallTime: seconds since 1970.
    func scalar(tag: String, value: Double, step: Int, wallTime: Double) throws
    /// Appends one image, the bytes of a PNG file.
    func image(tag: String, png: [UInt8], step: Int, wallTime: Double) throws
    func flush() throws
    func close() throws
}

/// Lightning's `TensorBoardLogger` in files: `save_dir/name/version_N` with an event file and `hparams.yaml`.
public final class TensorBoardLogger: MetricsLogger {
    public let directory: String
    private let configuration: TensorBoardLoggerConfiguration
    private let events: any EventWriter
    private let now: () -> Double

    /// Starts the record in a run folder: writes `hparams.yaml` and `hp_metric`.
    /// - Parameters:
    ///   - hyperParameters: what `hparams.yaml` gets; keys are sorted, as Lightning's YAML has them.
    ///   - makeEvents: opens the event file in a folder that exists.
    ///   - now: seconds since 1970.
    /// - Throws: `FormatError` or `LoggerError` when the disk does not take them.
    public init(
        _ configuration: TensorBoardLoggerConfiguration, in run: RunDirectory, hyperParameters: ConfigValue,
        now: @escaping () -> Double = { Date().timeIntervalSince1970 },
        makeEvents: (_ folder: String) throws -> any EventWriter
    ) throws {
        self.configuration = configuration
        self.now = now
        directory = run.path
        try AtomicFile.write(Array(Self.hparams(hyperParameters).utf8), to: run.path + "/hparams.yaml")
        var folder = run.path
        if let subDir = configuration.subDir, !subDir.isEmpty {
            folder += "/" + subDir
            do {
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            } catch {
                throw LoggerError.io(path: folder, operation: "create", code: ENOTDIR)
            }
        }
        events = try makeEvents(folder)
        if configuration.defaultHpMetric { try log(step: 0, values: [(MetricTag.hpMetric, -1)]) }
    }

    public func log(step: Int, values: [(tag: String, value: Double)]) throws {
        let time = now()
        for (tag, value) in values { try events.scalar(tag: prefixed(tag), value: value, step: step, wallTime: time) }
        try events.flush()
    }

    public func image(step: Int, tag: String, png: [UInt8]) throws {
        try events.image(tag: prefixed(tag), png: png, step: step, wallTime: now())
        try events.flush()
    }

    public func close() throws { try events.close() }

    /// The text of `hparams.yaml`.
    public static func hparams(_ value: ConfigValue) -> String { YAMLWriter.document(sorted(value)) }

    private static func sorted(_ value: ConfigValue) -> ConfigValue {
        switch value {
        case .map(var entries):
            entries.sort { $0.key < $1.key }
            return .map(entries.mapValues(sorted))
        case .list(let items): return .list(items.map(sorted))
        default: return value
        }
    }

    private func prefixed(_ tag: String) -> String {
        configuration.prefix.isEmpty ? tag : configuration.prefix + "-" + tag
    }
}
