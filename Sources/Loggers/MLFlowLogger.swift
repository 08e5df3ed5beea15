import Configuration
import Formats
import Foundation

/// A run in MLflow's file store: `STORE/EXPERIMENT/RUN` with `meta.yaml`, a file for each metric, parameter and tag, and
/// `artifacts`.
///
/// Layout: `mlflow/store/tracking/file_store.py` of MLflow 3.17.
public final class MLFlowLogger: MetricsLogger {
    public let directory: String
    /// MLflow 3 takes stores of files only where it is told that it may.
    public var reading: LogReading? {
        LogReading("MLflow", "MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri \(ShownPath(store))")
    }
    private let store: String
    private let prefix: String
    private let now: () -> Date
    private var meta: MLFlowRunMeta
    private var files: [String: AppendedFile] = [:]

    /// - Throws: `LoggerError` and `FormatError` of the disk.
    init(
        _ settings: MLFlowLoggerConfiguration, store: String, start: LoggerStart, now: @escaping () -> Date = { Date() }
    ) throws {
        (prefix, self.store, self.now) = (settings.prefix, store, now)
        let experiment = try MLFlowExperiment.named(settings.experimentName, in: store, now: start.now)
        let id = UUID().uuidString.lowercased().replacingOccurrences(of: "-", with: "")
        directory = "\(store)/\(experiment.id)/\(id)"
        meta = MLFlowRunMeta(
            experiment: experiment.id, id: id, name: settings.runName ?? id, artifacts: "\(directory)/artifacts",
            start: start.now)
        for folder in ["artifacts", "metrics", "params", "tags"] {
            try Folder.create("\(directory)/\(folder)")
        }
        try write(meta.runName, to: "tags/mlflow.runName")
        try write(meta.user, to: "tags/mlflow.user")
        for (name, value) in start.hyperParameters.flattened() {
            try write(Self.text(value), to: "params/\(Self.key(name))")
        }
        try write(meta.yaml, to: "meta.yaml")
    }

    public func log(step: Int, values: [(tag: String, value: Double)]) throws {
        let time = Int(now().timeIntervalSince1970 * 1000)
        for (tag, value) in values {
            let name = Self.key(prefix.isEmpty ? tag : "\(prefix)-\(tag)")
            if files[name] == nil {
                let path = "\(directory)/metrics/\(name)"
                try Folder.create(for: path)
                files[name] = try AppendedFile(path)
            }
            let text = value.isNaN ? "nan" : value.isInfinite ? (value < 0 ? "-inf" : "inf") : "\(value)"
            try files[name]?.append(Array("\(time) \(text) \(step)\n".utf8))
        }
    }

    public func image(step: Int, tag: String, _ image: PNGImage) throws {
        let path = "\(directory)/artifacts/images/\(Self.key(tag))_\(step).png"
        try Folder.create(for: path)
        try AtomicFile.write(image.encoded(), to: path)
    }

    /// MLflow has no histograms.
    public func histogram(step: Int, tag: String, counts: [Double]) {}

    public func close() throws {
        for file in files.values { try file.close() }
        meta.end = now()
        try write(meta.yaml, to: "meta.yaml")
    }

    private func write(_ text: String, to name: String) throws {
        try AtomicFile.write(Array(text.utf8), to: "\(directory)/\(name)")
    }

    /// MLflow takes no longer values.
    private static func text(_ value: ConfigValue) -> String {
        if case .string(let text) = value { return String(text.prefix(6000)) }
        return String(value.json.prefix(6000))
    }

    /// Letters, digits and `_-. :/`, of which no part leads out of the folder.
    static func key(_ name: String) -> String {
        let plain = name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "_-. :/".contains($0)) ? $0 : "_" }
        let parts = String(plain).split(separator: "/").map { $0.allSatisfy { $0 == "." } ? "_" : String($0) }
        return parts.isEmpty ? "_" : String(parts.joined(separator: "/").prefix(250))
    }
}

extension MLFlowLoggerConfiguration: OpenableLogger {
    private func store(_ start: LoggerStart) -> String {
        let named = trackingURI.map { uri in
            let path = String(uri.dropFirst("file:".count))
            return path.hasPrefix("//") ? String(path.dropFirst(2)) : path
        }
        return URL(fileURLWithPath: named ?? saveDir ?? "\(start.defaultRoot)/mlruns").path
    }

    package func runsFolder(_ start: LoggerStart) -> String {
        let store = store(start)
        return "\(store)/" + (MLFlowExperiment.find(experimentName, in: store) ?? "none")
    }

    package func open(_ start: LoggerStart) throws -> any MetricsLogger {
        try MLFlowLogger(self, store: store(start), start: start)
    }
}
