/// What ends a training run early.
public enum TrainerError: Error, Equatable, CustomStringConvertible {
    /// A loss or gradient norm that is not a number, at optimiser step `step` (from 0).
    case notFinite(what: String, value: Double, step: Int, checkpoint: String?)
    /// A device that has failed in an optimiser step, counted from 0.
    case device(reason: String, step: Int, checkpoint: String?)
    /// A checkpoint whose features come from another vision encoder than the configured one.
    case otherEncoder(path: String, trainedWith: String, configured: String)
    /// A checkpoint whose frozen encoder of the same kind had other weights.
    case otherEncoderWeights(path: String, encoder: String, trainedWith: String, configured: String)
    /// Weights of a vision encoder whose patches are not `model.lam_patch_size`.
    case otherPatchSize(path: String, patchSize: Int, configured: Int)
    /// Weights of another published size of the vision encoder than the one that is named.
    case otherEncoderSize(path: String, got: String, configured: String)
    /// An episode whose instruction cannot be encoded.
    case instruction(dataset: String, episode: Int, problem: String)
    /// A checkpoint of another kind of model.
    case otherModel(path: String, expected: String, got: String, remedy: String)
    /// A checkpoint of a model whose tensors mean something else with the configured value of an option.
    case otherOption(path: String, option: String, trainedWith: String, configured: String)
    /// A checkpoint of a model that reads instructions, or of one that does not.
    case otherTextEncoder(path: String, hasLanguage: Bool)

    /// - Parameters:
    ///   - what: the value's name in the message.
    ///   - step: optimiser steps taken.
    ///   - checkpoint: the last good one.
    /// - Throws: `notFinite`.
    static func requireFinite(_ what: String, _ value: Double, step: Int, checkpoint: String?) throws(TrainerError) {
        guard value.isFinite else { throw .notFinite(what: what, value: value, step: step, checkpoint: checkpoint) }
    }

    public var description: String {
        switch self {
        case .notFinite(let what, let value, let step, let checkpoint):
            "training stopped: step \(step): expected a finite \(what), got \(value.isNaN ? "NaN" : "\(value)"); lower the learning rate"
                + (checkpoint.map { ", or go on from \($0)" } ?? "")
        case .device(let reason, let step, let checkpoint):
            "training stopped: step \(step): \(reason)" + (checkpoint.map { "; go on from \($0)" } ?? "")
        case .otherEncoder(let path, let trainedWith, let configured):
            "cannot use checkpoint: \(path): it was trained on features of \(trainedWith), expected \(configured); "
                + "set model.vision_encoder to what it was trained with"
        case .otherEncoderWeights(let path, let encoder, let trainedWith, let configured):
            "cannot use checkpoint: \(path): it was trained with a \(encoder) of fingerprint \(trainedWith), expected "
                + "\(configured); give the weights it was trained with as model.\(encoder)_weights"
        case .otherPatchSize(let path, let patchSize, let configured):
            "cannot use vision encoder: \(path): expected patches of \(configured) pixels (model.lam_patch_size), got "
                + "\(patchSize); give weights with such patches"
        case .otherEncoderSize(let path, let got, let configured):
            "cannot use vision encoder: \(path): expected weights of \(configured), got those of \(got); set "
                + "model.vision_encoder to \(got), or give other weights"
        case .instruction(let dataset, let episode, let problem):
            "cannot encode instruction: \(dataset): episode \(episode): \(problem); mend the dataset's tasks, or set "
                + "model.text_encoder to none"
        case .otherModel(let path, let expected, let got, let remedy):
            "cannot use checkpoint: \(path): expected a checkpoint of \(expected), got one of \(got); \(remedy)"
        case .otherOption(let path, let option, let trainedWith, let configured):
            "cannot use checkpoint: \(path): it was trained with \(option) \(trainedWith), got \(configured); set \(option) to "
                + trainedWith
        case .otherTextEncoder(let path, let hasLanguage):
            "cannot use checkpoint: \(path): it was trained \(hasLanguage ? "with" : "without") instructions, expected the "
                + "opposite; set model.text_encoder to \(hasLanguage ? "t5-base" : "none")"
        }
    }
}
