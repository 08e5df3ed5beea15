import Formats
import LAM
import Tensor

/// Case `lam_stage1_text`: one forward and backward pass of UniVLA's stage 1 with instructions, once with its mask
/// order and once with the aligned one.
struct LanguageParity: ParityCase {
    let folder: String

    func run() throws -> ParityReport {
        var report = ParityReport(folder: folder)
        try compare(.original, "as_original", gradients: "grads_as_original_f32.safetensors", into: &report)
        try compare(.aligned, "mask_aligned", gradients: nil, into: &report)
        return report
    }

    private func compare(
        _ mask: TextMask, _ name: String, gradients: String?, into report: inout ParityReport
    ) throws {
        let config = try ParityConfig(folder: folder)
        let featureWidth = try config.int("dino_dim"), languageWidth = try config.int("lang_dim")
        var options = try config.modelOptions(beta: config.double("vq_beta"))
        options.textMask = mask
        let replay = try ModelReplay(featureWidth: featureWidth, weights: file("weights.safetensors")) {
            LatentActionModel($0, featureWidth: featureWidth, languageWidth: languageWidth, options)
        }
        let module = replay.module, backend = module.backend
        report.check(
            "parameter order", try module.store.parameters.map(\.name) == config.strings("parameter_order"),
            otherwise: "the model's parameters are declared in another order")
        let inputs = try file("inputs.safetensors")
        let patches = try replay.patches(inputs, "patches")
        let language = try language(inputs, batch: patches.shape[0], width: languageWidth, backend)
        var projected: [Float] = []
        let (output, result) = try module.trainingStep(patches, language: language) { name, tensor in
            if name == "lang_proj" { projected = backend.floats(tensor) }
        }
        let outputs = ReplayedOutputs(
            output, result, of: module,
            additional: [("patches", backend.floats(patches)), ("lang_proj_out", projected)])
        for precision in ["f32", "f64"] {
            try report.compare(outputs, to: file("outputs_\(name)_\(precision).safetensors"), "(\(name) \(precision))")
        }
        if let gradients { try report.compareGradients(of: module, to: file(gradients)) }
    }

    private func language(
        _ file: SafeTensors, batch: Int, width: Int, _ backend: any Backend
    ) throws -> LanguageTokens {
        let hidden = try file.tensor("lang_last_hidden_state"), mask = try file.tensor("attention_mask")
        guard hidden.shape.count == 3, hidden.shape[0] == batch, hidden.shape[1] > 0, hidden.shape[2] == width else {
            throw ParityError.badTensor(
                path: file.path, name: "lang_last_hidden_state", expected: "[\(batch), S, \(width)]", got: hidden.shape)
        }
        guard mask.shape == Array(hidden.shape.prefix(2)) else {
            throw ParityError.badTensor(
                path: file.path, name: "attention_mask", expected: "\(hidden.shape.prefix(2))", got: mask.shape)
        }
        return LanguageTokens(
            hidden: backend.tensor(hidden.floats(), hidden.shape), mask: try mask.int64s().map { $0 > 0 ? 1 : 0 })
    }
}
