import Configuration
import Formats
import Foundation

/// Lightning's `ModelCheckpoint` at work: decides when a checkpoint is due, names it, and keeps the right ones.
///
/// A new file is complete on disk before an old one is deleted.
package final class ModelCheckpoint {
    package let configuration: ModelCheckpointConfiguration
    package private(set) var directory: String
    /// What a user should know of where files go, once.
    private(set) var notice: String?
    private var claim: FolderClaim?
    package private(set) var state: ModelCheckpointState
    private var lastSavedStep: Int?

    /// - Parameter defaultDirectory: where files go without a `dirpath`.
    package init(_ configuration: ModelCheckpointConfiguration, defaultDirectory: String) {
        self.configuration = configuration
        directory = configuration.dirpath ?? defaultDirectory
        // Lightning's rule: without any interval, once per epoch.
        let everyNSteps = configuration.everyNTrainSteps ?? 0
        let everyNEpochs = configuration.everyNEpochs ?? (everyNSteps > 0 ? 0 : 1)
        state = ModelCheckpointState(
            everyNTrainSteps: everyNSteps, everyNEpochs: everyNEpochs, monitor: configuration.monitor,
            mode: configuration.mode.rawValue)
        state.dirpath = directory
    }

    /// Takes over what the same callback of an earlier run remembered.
    package func restore(_ states: [ModelCheckpointState]) {
        // `logs/r`, `./logs/r` and its absolute path are one folder.
        func place(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }
        guard let saved = states.first(where: { $0.key == state.key && place($0.dirpath) == place(directory) }) else {
            return
        }
        state = saved
    }

    package func isDue(afterStep step: Int) -> Bool {
        state.everyNTrainSteps > 0 && step.isMultiple(of: state.everyNTrainSteps)
    }

    /// - Parameters:
    ///   - epoch: the epoch that has ended, from 0.
    ///   - isValidation: whether its validation has ended, rather than its training.
    package func isDue(afterEpoch epoch: Int, isValidation: Bool, hasValidation: Bool) -> Bool {
        let atTrainingEnd = configuration.saveOnTrainEpochEnd ?? !hasValidation
        return state.everyNEpochs > 0 && (epoch + 1).isMultiple(of: state.everyNEpochs) && atTrainingEnd != isValidation
    }

    /// Saves a checkpoint unless this step has one.
    ///
    /// - Parameters:
    ///   - metrics: last logged values by bare tag.
    ///   - known: every tag that a run logs; a monitored one without a value yet ranks nothing.
    ///   - write: writes a checkpoint with this callback's new state to a path, whole or not at all.
    /// - Returns: the path of a new file that was kept, if any.
    /// - Throws: `CheckpointError.unknownMonitor` and what `write` throws; older files are then untouched.
    package func save(
        epoch: Int, step: Int, metrics: [String: Double], known: [String], write: (_ path: String) throws -> Void
    ) throws -> String? {
        guard lastSavedStep != step else { return nil }
        try claimFolder()
        let before = state
        let kept: String?
        do {
            // Named first, so that a run that goes on from the ranked file goes on with this one, too.
            if configuration.savesLast, state.lastModelPath.isEmpty { state.lastModelPath = freePath("last") }
            kept = try saveRanked(epoch: epoch, step: step, metrics: metrics, known: known, write: write)
        } catch {
            state = before
            throw error
        }
        if configuration.savesLast { try saveLast(sameAs: kept, write: write) }
        lastSavedStep = step
        return kept ?? (configuration.savesLast ? state.lastModelPath : nil)
    }

    /// Brings `last.ckpt` up to the end of a run, where it is wanted, or where an interrupted run would lose steps.
    package func saveFinal(step: Int, isInterrupted: Bool, write: (_ path: String) throws -> Void) throws {
        guard lastSavedStep != step else { return }
        let hasNone = state.bestModelPath.isEmpty && configuration.saveTopK != 0
        guard configuration.savesLast || hasNone || isInterrupted else { return }
        try claimFolder()
        try saveLast(sameAs: nil, write: write)
        lastSavedStep = step
    }

    /// Makes the folder, once. Where another run writes to it, this one takes a folder of its own in it, as loggers do: files of
    /// two runs under the same names would belong to neither.
    private func claimFolder() throws {
        try Folder.create(directory)
        guard claim == nil else { return }
        claim = FolderClaim.take(directory)
        let taken = directory
        var version = 0
        while claim == nil {
            version += 1
            let own = "\(taken)/version_\(version)"
            guard mkdir(own, 0o777) == 0 else {
                guard errno == EEXIST else { throw FormatError.io(path: own, operation: "create", code: errno) }
                continue
            }
            claim = FolderClaim.take(own)
            directory = own
            var fresh = ModelCheckpointState(
                everyNTrainSteps: state.everyNTrainSteps, everyNEpochs: state.everyNEpochs, monitor: state.monitor,
                mode: configuration.mode.rawValue)
            fresh.dirpath = own
            state = fresh
            notice = "another run writes its checkpoints to \(taken); those of this run go to \(own)"
        }
    }

    /// Takes the notice, so that it is given once.
    package func takeNotice() -> String? {
        defer { notice = nil }
        return notice
    }

    private func saveRanked(
        epoch: Int, step: Int, metrics: [String: Double], known: [String], write: (_ path: String) throws -> Void
    ) throws -> String? {
        guard configuration.saveTopK != 0 else { return nil }
        var score: Float?
        if let monitor = configuration.monitor {
            guard let value = metrics[monitor] else {
                guard known.contains(monitor) else {
                    throw CheckpointError.unknownMonitor(name: monitor, known: known.sorted())
                }
                return nil
            }
            // Nothing compares with NaN, which would keep its place for ever; it counts as the worst.
            score = value.isNaN ? worstScore : Float(value)
            guard configuration.saveTopK < 0 || isAmongBest(score ?? worstScore) else { return nil }
        }
        let path = freePath(Self.name(configuration, epoch: epoch, step: step, metrics: metrics))
        var dropped: String?
        state.currentScore = score
        if let score {
            state.bestKModels[path] = score
            if configuration.saveTopK > 0, state.bestKModels.count > configuration.saveTopK {
                dropped = worst()
                if let dropped { state.bestKModels[dropped] = nil }
            }
            state.kthBestModelPath = worst() ?? ""
            state.kthValue = state.bestKModels[state.kthBestModelPath] ?? state.kthValue
            state.bestModelPath = best() ?? path
            state.bestModelScore = state.bestKModels[state.bestModelPath]
        } else {
            if configuration.saveTopK == 1, !state.bestModelPath.isEmpty { dropped = state.bestModelPath }
            state.bestModelPath = path
        }
        // A metric's name may hold a slash.
        try Folder.create(for: path)
        try write(path)
        if let dropped, dropped != path { try? FileManager.default.removeItem(atPath: dropped) }
        return path
    }

    /// `last.ckpt` is a second name of the file just written, or a file of its own where there is none.
    private func saveLast(sameAs path: String?, write: (_ path: String) throws -> Void) throws {
        let last = state.lastModelPath.isEmpty ? freePath("last") : state.lastModelPath
        let before = state.lastModelPath
        state.lastModelPath = last
        do {
            if let path, (try? AtomicFile.link(path, to: last)) != nil { return }
            try write(last)
        } catch {
            state.lastModelPath = before
            throw error
        }
    }

    private var worstScore: Float { configuration.mode == .max ? -.infinity : .infinity }

    private func isAmongBest(_ score: Float) -> Bool {
        state.bestKModels.count < configuration.saveTopK || isBetter(score, than: state.kthValue)
    }

    private func isBetter(_ a: Float, than b: Float) -> Bool { configuration.mode == .max ? a > b : a < b }

    private func best() -> String? {
        state.bestKModels.min { isBetter($0.value, than: $1.value) }?.key
    }

    private func worst() -> String? {
        state.bestKModels.max { isBetter($0.value, than: $1.value) }?.key
    }

    /// `name.ckpt`, or `name-v1.ckpt` and so on where that exists.
    private func freePath(_ name: String) -> String {
        let path = "\(directory)/\(name).ckpt"
        guard configuration.enableVersionCounter else { return path }
        var version = 0
        var free = path
        while FileManager.default.fileExists(atPath: free) {
            version += 1
            free = "\(directory)/\(name)-v\(version).ckpt"
        }
        return free
    }

    /// Fills a pattern such as `{epoch}-{step}` or `{epoch:02d}-{val_loss:.3f}`.
    package static func name(
        _ configuration: ModelCheckpointConfiguration, epoch: Int, step: Int, metrics: [String: Double]
    ) -> String {
        var name = ""
        var rest = (configuration.filename ?? "{epoch}-{step}")[...]
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            name += rest[..<open]
            let parts = rest[rest.index(after: open)..<close].split(separator: ":", maxSplits: 1)
            let key = parts.first.map(String.init) ?? ""
            let format = parts.count > 1 ? String(parts[1]) : ""
            let value: String
            switch key {
            case "epoch": value = number(epoch, format)
            case "step": value = number(step, format)
            default: value = number(metrics[key] ?? 0, format)
            }
            name += configuration.autoInsertMetricName ? "\(key)=\(value)" : value
            rest = rest[rest.index(after: close)...]
        }
        return name + rest
    }

    private static func number(_ value: Int, _ format: String) -> String {
        let digits = String(value)
        let width = Int(format.prefix { $0.isNumber }) ?? 0
        return String(repeating: "0", count: max(0, min(width, 64) - digits.count)) + digits
    }

    private static func number(_ value: Double, _ format: String) -> String {
        guard format.hasPrefix("."), format.hasSuffix("f"), let places = Int(format.dropFirst().dropLast()) else {
            return "\(value)"
        }
        return String(format: "%.\(min(places, 17))f", value)
    }
}
