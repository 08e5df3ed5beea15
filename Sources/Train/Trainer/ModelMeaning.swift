import Checkpoints
import Configuration
import Formats

/// Options that say how large a model is and what its tensors mean. Those that leave no trace in shapes would otherwise load
/// without complaint, and give other latents; of the others a message names the option, and not the first tensor that differs.
enum ModelMeaning {
    private static let ofModel = [
        "lam_model_dim", "lam_enc_blocks", "lam_dec_blocks", "lam_num_heads", "latent_layer_to_use", "enc_modal_mask",
        "decoder_last_ln", "norm_latents", "norm_latents_type",
    ]
    private static let ofBottleneck = ["levels", "bound", "cosine", "layer_norm"]

    /// - Throws: `TrainerError.otherOption` for the first option that the checkpoint has and has otherwise.
    static func requireSame(_ checkpoint: LightningCheckpoint, _ model: ModelConfiguration) throws {
        guard let saved = checkpoint.hyperParameters?.values else { return }
        let configured = model.hyperParameters.pickle
        func compare(_ name: String, _ got: PickleValue?, _ expected: PickleValue?) throws {
            guard let got, let expected, text(got) != text(expected) else { return }
            throw TrainerError.otherOption(
                path: checkpoint.path, option: "model.\(name)", trainedWith: text(got), configured: text(expected))
        }
        var names = ofModel
        // What the model has no use for may differ.
        let kind = model.bottleneck.choice.kind, hasCodebook = kind.hasCodes && kind.name != "fsq"
        if hasCodebook { names.append("lam_num_latents") }
        if hasCodebook || !kind.hasCodes { names.append("lam_latent_dim") }
        if model.visionEncoder == .pixels { names.append("lam_patch_size") }
        for name in names { try compare(name, saved[name], configured[name]) }
        let (got, expected) = (saved["bottleneck"]?["init_args"], configured["bottleneck"]?["init_args"])
        for name in ofBottleneck { try compare("bottleneck.\(name)", got?[name], expected?[name]) }
    }

    /// As configuration files have it.
    private static func text(_ value: PickleValue) -> String {
        switch value {
        case .bool(let flag): "\(flag)"
        case .int(let number): "\(number)"
        case .string(let string): string
        case .list(let values), .tuple(let values): "[\(values.map(text).joined(separator: ", "))]"
        default: "\(value)"
        }
    }
}
