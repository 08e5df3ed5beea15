import Configuration
import Formats
import Foundation
import OrderedCollections

/// Lightning's `TensorBoardLogger` in files: `save_dir/name/version_N` with an event file and `hparams.yaml`.
public final class TensorBoardLogger: MetricsLogger {
    /// What TensorBoard's table of hyper-parameters wants.
    public static let hyperParametersTag = "hp_metric"

    public let directory: String
    public var reading: LogReading? { LogReading("TensorBoard", "tensorboard --logdir \(ShownPath(directory))") }
    private let configuration: TensorBoardLoggerConfiguration
    private let events: EventFileWriter
    private let now: () -> Double

    /// Starts the record in a run folder: writes `hparams.yaml` and `hp_metric`.
    /// - Parameters:
    ///   - hyperParameters: what `hparams.yaml` gets; keys are sorted, as Lightning's YAML has them.
    ///   - now: seconds since 1970.
    /// - Throws: `FormatError` or `LoggerError` when the disk does not take them.
    public init(
        _ configuration: TensorBoardLoggerConfiguration, in run: RunDirectory, hyperParameters: ConfigValue,
        now: @escaping () -> Double = { Date().timeIntervalSince1970 }
    ) throws {
        self.configuration = configuration
        self.now = now
        directory = run.path
        try AtomicFile.write(Array(Self.hparams(hyperParameters).utf8), to: run.path + "/hparams.yaml")
        var folder = run.path
        if let subDir = configuration.subDir, !subDir.isEmpty {
            folder += "/" + subDir
            try Folder.create(folder)
        }
        events = try EventFileWriter(folder: folder, time: now())
        if configuration.defaultHpMetric { try log(step: 0, values: [(Self.hyperParametersTag, -1)]) }
    }

    public func log(step: Int, values: [(tag: String, value: Double)]) throws {
        let time = now()
        for (tag, value) in values { try events.scalar(prefixed(tag), Float(value), step: step, time: time) }
        try events.flush()
    }

    public func image(step: Int, tag: String, _ image: PNGImage) throws {
        try events.image(
            prefixed(tag), png: image.encoded(), width: image.width, height: image.height, step: step, time: now())
        try events.flush()
    }

    public func histogram(step: Int, tag: String, counts: [Double]) throws {
        guard !counts.isEmpty else { return }
        let weighted = counts.enumerated().map { (value: Double($0), count: $1) }
        try events.histogram(
            prefixed(tag), limits: weighted.map { $0.value + 0.5 }, counts: counts, minimum: -0.5,
            maximum: Double(counts.count) - 0.5, sum: weighted.reduce(0) { $0 + $1.value * $1.count },
            sumOfSquares: weighted.reduce(0) { $0 + $1.value * $1.value * $1.count }, step: step, time: now())
        try events.flush()
    }

    public func close() throws { try events.flush() }

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

extension TensorBoardLoggerConfiguration: OpenableLogger {
    package func runsFolder(_ start: LoggerStart) -> String {
        RunDirectory.folder(saveDir: saveDir, name: name, defaultRoot: start.defaultRoot)
    }

    package func open(_ start: LoggerStart) throws -> any MetricsLogger {
        let run = try RunDirectory.create(in: runsFolder(start), version: version)
        return try TensorBoardLogger(self, in: run, hyperParameters: start.hyperParameters)
    }
}
