import Checkpoints
import Configuration
import Formats
import Foundation
import LAM
import LAMData
import OrderedCollections
import Tensor
import Text

/// The pretrained networks of a run, which training reads and never changes.
package struct FrozenEncoders {
    package let vision: any VisionEncoder
    package let text: InstructionEncoder?
    /// Lines that say which weights were taken.
    package let notes: [String]
    /// What `checkpoint_frozen` puts into checkpoints, under the original's names; empty without it.
    let checkpointed: FrozenWeights

    /// - Parameters:
    ///   - checkpoint: the one to go on from. Its own vision encoder, which the original's checkpoints contain, is taken
    ///     where the configuration names no weights.
    ///   - autocast: what the vision encoder computes in.
    /// - Throws: `PretrainedError`, `FormatError.weights`, `TextError`, `TrainerError.otherPatchSize`.
    package init(
        _ model: ModelConfiguration, files: PretrainedFiles, resuming checkpoint: LightningCheckpoint?,
        autocast: Autocast = .off, on backend: any Backend
    ) throws {
        var notes: [String] = []
        var kept = FrozenWeights()
        func open(_ path: String, _ encoder: String) throws -> WeightFile {
            notes.append("\(encoder): weights from \(path)")
            return try WeightFile(path: path)
        }
        let holdsVision = checkpoint?.stateDict.keys.contains {
            $0.hasPrefix("\(LightningCheckpoint.modelPrefix)\(model.family.layout.visionEncoder).")
        }
        let path =
            if let checkpoint, holdsVision == true, model.visionEncoderWeights == nil, model.visionEncoder != .pixels {
                checkpoint.path
            } else {
                try files.visionEncoder(model.visionEncoder, weights: model.visionEncoderWeights) ?? ""
            }
        var sizes: VisionTransformerSizes?
        switch model.visionEncoder.network {
        case .pixels:
            vision = PixelEncoder(patchSize: model.patchSize)
        case .dinov3:
            let weights = try open(path, model.visionEncoder.rawValue)
            let encoder = try DINOv3Encoder(weights, layer: model.featureLayer, autocast: autocast, on: backend)
            (vision, sizes) = (encoder, encoder.sizes)
            kept.vision = weights.visionEncoder.tensors
        case .dinov2:
            let weights = try open(path, model.visionEncoder.rawValue)
            let encoder = try DINOv2Encoder(weights, autocast: autocast, on: backend)
            (vision, sizes) = (encoder, encoder.sizes)
            kept.vision = weights.visionEncoder.tensors
        }
        if let other = sizes.flatMap(model.visionEncoder.confused(with:)) {
            throw TrainerError.otherEncoderSize(
                path: path, got: other.rawValue, configured: model.visionEncoder.rawValue)
        }
        guard vision.patchSize == model.patchSize else {
            throw TrainerError.otherPatchSize(path: path, patchSize: vision.patchSize, configured: model.patchSize)
        }
        switch model.textEncoder {
        case .none:
            text = nil
        case .t5Base:
            let paths = try files.t5Base(weights: model.textEncoderWeights)
            let weights = try open(paths.weights, model.textEncoder.rawValue)
            text = InstructionEncoder(
                tokenizer: try T5Tokenizer(path: paths.vocabulary),
                encoder: try T5Encoder(weights: weights, on: backend))
            kept.text = weights.textEncoder.tensors
        }
        self.notes = notes
        checkpointed = model.checkpointFrozen ? kept : FrozenWeights()
    }

    /// What a checkpoint says of the encoders: names with a fingerprint of the weights.
    package var fingerprints: OrderedDictionary<String, String> {
        var result: OrderedDictionary = [StateKey.vision: vision.fingerprint]
        if let text { result[StateKey.text] = text.encoder.fingerprint }
        return result
    }

    private enum StateKey {
        static let vision = "vision_encoder"
        static let text = "text_encoder"
    }

    /// - Throws: `TrainerError.otherEncoderWeights` where a checkpoint was trained with others.
    package func requireSame(as checkpoint: LightningCheckpoint) throws {
        for (encoder, fingerprint) in fingerprints {
            guard let trainedWith = checkpoint.trainer?.strings[encoder], trainedWith != fingerprint else { continue }
            throw TrainerError.otherEncoderWeights(
                path: checkpoint.path, encoder: encoder, trainedWith: trainedWith, configured: fingerprint)
        }
    }

    /// Makes sure, before anything is trained, that every episode has an instruction that can be encoded.
    ///
    /// - Throws: `TrainerError.instruction` that names the first episode without one.
    package func checkInstructions(of sources: [StreamSource]) throws {
        guard let text else { return }
        var checked: Set<String> = []
        for source in sources {
            for episode in source.episodes {
                func fail(_ problem: String) -> TrainerError {
                    .instruction(dataset: source.name, episode: episode.index, problem: problem)
                }
                let tasks = episode.instructions
                guard !tasks.isEmpty else { throw fail("expected a task, got none") }
                for task in tasks where checked.insert(task).inserted {
                    do {
                        _ = try text.tokenizer.ids(of: task)
                    } catch {
                        throw fail("\(error)")
                    }
                }
            }
        }
    }
}
