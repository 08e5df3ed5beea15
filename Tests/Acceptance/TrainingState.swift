import Formats
import Foundation
import Checkpoints
import LAMTrain

/// Everything of a checkpoint that a later step depends on, for comparing runs byte for byte.
struct TrainingState: Equatable {
    private(set) var epoch: Int
    private(set) var globalStep: Int
    private(set) var tensors: [String: [UInt8]] = [:]
    private(set) var optimizerSteps: [Int: Int] = [:]
    private(set) var texts: [String: String] = [:]

    init(_ checkpoint: LightningCheckpoint) {
        epoch = checkpoint.epoch
        globalStep = checkpoint.globalStep
        for (name, tensor) in checkpoint.stateDict { tensors[name] = Self.bytes(tensor) }
        for (index, moments) in checkpoint.optimizers.first?.moments ?? [:] {
            optimizerSteps[index] = moments.step
            tensors["exp_avg \(index)"] = Self.bytes(moments.expAvg)
            tensors["exp_avg_sq \(index)"] = Self.bytes(moments.expAvgSq)
        }
        for (name, tensor) in checkpoint.trainer?.tensors ?? [:] { tensors["trainer \(name)"] = Self.bytes(tensor) }
        if let averaging = checkpoint.averaging {
            for (name, tensor) in averaging.currentModel { tensors["current \(name)"] = Self.bytes(tensor) }
            texts["averaged"] = "\(averaging.updates)"
        }
        for (name, text) in checkpoint.trainer?.strings ?? [:] { texts[name] = text }
    }

    /// What differs, for a message that can be read.
    func differences(from other: TrainingState) -> [String] {
        var found: [String] = []
        if (epoch, globalStep) != (other.epoch, other.globalStep) {
            found.append("epoch and step \(epoch) \(globalStep), not \(other.epoch) \(other.globalStep)")
        }
        for name in Set(tensors.keys).union(other.tensors.keys).sorted() where tensors[name] != other.tensors[name] {
            found.append(name)
        }
        if optimizerSteps != other.optimizerSteps { found.append("optimizer steps") }
        for name in Set(texts.keys).union(other.texts.keys).sorted() where texts[name] != other.texts[name] {
            found.append("\(name): \(texts[name] ?? "none"), not \(other.texts[name] ?? "none")")
        }
        return found
    }

    private static func bytes(_ tensor: StoredTensor) -> [UInt8] { tensor.withUnsafeBytes { [UInt8]($0) } }
}
