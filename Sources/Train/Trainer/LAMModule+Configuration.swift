import Checkpoints
import Configuration
import LAM
import NN
import Tensor

extension LAMModule {
    /// The module that a configuration describes, with its initial weights; in stage 2 with what it takes from stage 1.
    ///
    /// - Parameters:
    ///   - featureWidth: D of the vision encoder.
    ///   - languageWidth: width of the text encoder, where there is one.
    ///   - sharding: what the optimiser updates, where not everything.
    ///   - resumed: the checkpoint whose weights will replace the initial ones; stage 1's is then not needed.
    ///   - note: takes lines for the user.
    /// - Throws: `TrainerError` and `CheckpointError` of the stage-1 checkpoint.
    package static func make(
        _ model: ModelConfiguration, featureWidth: Int, languageWidth: Int? = nil, backend: any Backend, seed: UInt64,
        autocast: Autocast = .off, sharding: ((ParameterStore) -> [Range<Int>])? = nil,
        resuming resumed: LightningCheckpoint?, note: (String) -> Void
    ) throws -> LAMModule {
        var optimizer = AdamW.Options()
        optimizer.learningRate = Float(model.optimizer.lr)
        optimizer.betas = (Float(model.optimizer.betas.first), Float(model.optimizer.betas.second))
        optimizer.epsilon = Float(model.optimizer.eps)
        optimizer.weightDecay = Float(model.optimizer.weightDecay)
        optimizer.undecayed = Set(model.optimizer.undecayed)
        var family = model.family
        var stageOne: StageOneCheckpoint?
        if var second = family as? TwoStageFamily, second.stage == .stage2 {
            if let resumed {
                second.frozenCodes = try StageOneCheckpoint.frozenCodeCount(in: resumed, latentDim: model.latentDim)
                if let path = model.stageOneCheckpoint {
                    note("model.stage_one_ckpt: \(path): not read, \(resumed.path) has everything")
                }
            } else if let path = model.stageOneCheckpoint {
                let file = try StageOneCheckpoint(path: path, latentDim: model.latentDim)
                stageOne = file
                second.frozenCodes = file.codeCount
            }
            family = second
        }
        let module = LAMModule(
            backend: backend, optimizer: optimizer, seed: seed, autocast: autocast, sharding: sharding
        ) {
            let own = family.model($0, featureWidth: featureWidth, languageWidth: languageWidth)
            return model.auxiliary.isAny ? AuxiliaryModel(own, $0, model.auxiliary) : own
        }
        if let stageOne {
            let taken = try stageOne.load(into: module.store)
            note(
                "model.stage_one_ckpt: \(stageOne.path): took \(taken.joined(separator: ", ")); vq stays as it is, "
                    + "everything else starts anew")
        }
        return module
    }
}
