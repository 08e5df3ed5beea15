import Formats
import Foundation
import Frozen
import NN
import OrderedCollections
import Tensor

/// What stage 2 takes from a stage-1 checkpoint, by UniVLA's rule: tensors whose names contain `vq` or `action_latent`,
/// without `lam.`, as far as the model has them. That is the codebook, which stays frozen, and the tokens that become
/// the uncontrollable ones; nothing of the encoder or the decoder.
package struct StageOneCheckpoint {
    private static let codebookName = "vq.codebook.weight"

    package let path: String
    /// By the names of the model's parameters.
    private let tensors: OrderedDictionary<String, StoredTensor>
    /// Rows of the codebook.
    package let codeCount: Int

    /// - Parameter latentDim: width of the codebook.
    /// - Throws: `CheckpointError` for a file that is not there, cannot be read, or has no codebook or one of another width.
    package init(path: String, latentDim: Int) throws {
        self.path = path
        guard FileManager.default.fileExists(atPath: path) else { throw CheckpointError.noStageOne(path: path) }
        let stateDict = try LightningCheckpoint.stateDict(contentsOf: path)
        var taken: OrderedDictionary<String, StoredTensor> = [:]
        for (name, tensor) in stateDict where name.contains("vq") || name.contains("action_latent") {
            taken[name.replacingOccurrences(of: LightningCheckpoint.modelPrefix, with: "")] = tensor
        }
        tensors = taken
        guard let codebook = taken[Self.codebookName] else {
            throw CheckpointError.noStageOneCodebook(
                path: path, expected: LightningCheckpoint.modelPrefix + Self.codebookName, keys: stateDict.count)
        }
        codeCount = try Self.codeCount(of: codebook, latentDim: latentDim, path: path)
    }

    /// Rows of the frozen codebook that a checkpoint of stage 2 goes on with.
    package static func frozenCodeCount(in checkpoint: LightningCheckpoint, latentDim: Int) throws -> Int {
        let name = LightningCheckpoint.modelPrefix + codebookName
        guard let codebook = checkpoint.stateDict[name] else {
            throw CheckpointError.missingTensors(path: checkpoint.path, names: [name])
        }
        return try codeCount(of: codebook, latentDim: latentDim, path: checkpoint.path)
    }

    private static func codeCount(of codebook: StoredTensor, latentDim: Int, path: String) throws -> Int {
        let rows = codebook.shape.first ?? 0
        guard codebook.shape == [rows, latentDim], rows > 0 else {
            throw CheckpointError.shape(
                path: path, tensor: LightningCheckpoint.modelPrefix + codebookName,
                expected: [max(rows, 1), latentDim],
                got: codebook.shape)
        }
        return rows
    }

    /// Copies what the file and the model both have.
    ///
    /// - Returns: the names that were taken, in the model's order.
    /// - Throws: `CheckpointError.shape` that names the first tensor of another shape; the store is then unchanged.
    package func load(into store: ParameterStore) throws(CheckpointError) -> [String] {
        let shared = store.parameters.filter { tensors[$0.name] != nil }
        for parameter in shared {
            guard let tensor = tensors[parameter.name], tensor.shape != parameter.shape else { continue }
            throw .shape(
                path: path, tensor: LightningCheckpoint.modelPrefix + parameter.name, expected: parameter.shape,
                got: tensor.shape)
        }
        for parameter in shared {
            if let tensor = tensors[parameter.name] { store.backend.upload(tensor, to: parameter.value) }
        }
        return shared.map(\.name)
    }
}
