import Checkpoints
import Foundation
import LAMData
import OrderedCollections

/// What a run keeps in its checkpoints beyond Lightning's entries: texts under `lam_trainer.strings`, written and read.
extension LightningCheckpoint {
    private enum StateKey {
        static let stream = "stream"
        static let progress = "progress"
        static let seed = "seed"
    }

    /// - Parameter encoders: what the checkpoint says of the frozen encoders, by name.
    mutating func setTrainingState(
        progress: TrainingProgress, stream: StreamState, seed: UInt64, encoders: OrderedDictionary<String, String>
    ) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        var strings = encoders
        strings[StateKey.stream] = String(decoding: try encoder.encode(stream), as: UTF8.self)
        strings[StateKey.progress] = String(decoding: try encoder.encode(progress), as: UTF8.self)
        strings[StateKey.seed] = String(seed)
        trainer?.strings = strings
    }

    /// How far the run was; of Lightning's own checkpoints as far as their counters say it.
    func trainingProgress() throws -> TrainingProgress {
        if let saved: TrainingProgress = try decoded(StateKey.progress) {
            guard saved.isSane else {
                throw CheckpointError.wrongType(
                    path: path, key: "lam_trainer.strings", expected: "counts from 0 to 2^53")
            }
            return saved
        }
        var counted = TrainingProgress()
        // Lightning counts an epoch only after its end's checkpoint.
        counted.epoch = epoch + ((try? progress()?.isEpochEnd) == true ? 1 : 0)
        counted.globalStep = globalStep
        counted.batches = globalStep
        return counted
    }

    /// Codes that have only just been restarted, which pairs choose though hardly a step was trained with them.
    package func unprovenCodes(of module: LAMModule) -> Set<Int> {
        guard let health = (try? trainingProgress())?.health, health.isSane(of: module.model.action, step: globalStep)
        else { return [] }
        return health.unprovenCodes
    }

    /// Where the stream of training samples was; nil of checkpoints that do not say it.
    func streamState() throws -> StreamState? { try decoded(StateKey.stream) }

    /// The seed of the run, where the checkpoint says it.
    var seed: UInt64? { trainer?.strings[StateKey.seed].flatMap { UInt64($0) } }

    private func decoded<Value: Decodable>(_ key: String) throws -> Value? {
        guard let json = trainer?.strings[key] else { return nil }
        do {
            return try JSONDecoder().decode(Value.self, from: Data(json.utf8))
        } catch {
            throw CheckpointError.wrongType(
                path: path, key: "lam_trainer.strings", expected: "the state of a \(Value.self)")
        }
    }
}
