import Formats
import Frozen
import LAM
import Checkpoints
import LAMTrain
import Tensor

/// Case `lam_stage2`: one forward and backward pass of UniVLA's controllable model, and what it takes from stage 1.
struct StageTwoParity: ParityCase {
    let folder: String

    func run() throws -> ParityReport {
        var report = ParityReport(folder: folder)
        let config = try ParityConfig(folder: folder)
        try forwardAndBackward(config, into: &report)
        try loadRule(config, into: &report)
        return report
    }

    private func replay(_ config: ParityConfig) throws -> ModelReplay {
        let featureWidth = try config.int("dino_dim"), frozenCodes = try config.int("num_latents_vq_frozen")
        let options = try config.modelOptions(beta: config.double("vq_beta"), codes: "num_latents_action")
        return try ModelReplay(featureWidth: featureWidth, weights: file("weights.safetensors")) {
            ControllableLatentActionModel($0, featureWidth: featureWidth, frozenCodes: frozenCodes, options)
        }
    }

    private func forwardAndBackward(_ config: ParityConfig, into report: inout ParityReport) throws {
        let replay = try replay(config)
        let module = replay.module
        report.check(
            "parameter order", try module.store.parameters.map(\.name) == config.strings("parameter_order"),
            otherwise: "the model's parameters are declared in another order")
        report.check(
            "frozen parameters",
            try module.store.parameters.filter { !$0.isTrainable }.map(\.name)
                == config.strings("requires_grad_false"), otherwise: "the model freezes others")
        let patches = try replay.patches(file("inputs.safetensors"), "patches")
        let (output, result) = try module.trainingStep(patches)
        let outputs = ReplayedOutputs(
            output, result, of: module,
            additional: [
                ("patches", module.backend.floats(patches))
            ] + module.model.latentParts.map { ("usage_after.\($0.bottleneck.name)", $0.bottleneck.usage) })
        for precision in ["f32", "f64"] {
            try report.compare(outputs, to: file("outputs_\(precision).safetensors"), "(\(precision))")
        }
        try report.compareGradients(of: module, to: file("grads_f32.safetensors"))
    }

    /// A fresh model with the original's initial values of what may be loaded, and then the original's after loading.
    private func loadRule(_ config: ParityConfig, into report: inout ParityReport) throws {
        let module = try replay(config).module
        let before = try file("stage2_init_before_load.safetensors")
        for parameter in module.store.parameters {
            guard let tensor = before.tensors[parameter.name] else { continue }
            guard tensor.shape == parameter.shape else {
                throw ParityError.badTensor(
                    path: before.path, name: parameter.name, expected: "shape \(parameter.shape)", got: tensor.shape)
            }
            module.backend.upload(tensor, to: parameter.value)
        }
        func values() -> [[Float]] { module.store.parameters.map { module.backend.floats($0.value) } }
        let old = values()
        let stageOne = try StageOneCheckpoint(
            path: folder + "/stage1_minimal.ckpt", latentDim: module.model.action.bottleneck.latentWidth)
        let taken = try stageOne.load(into: module.store)
        let after = try file("stage2_init_after_load.safetensors")
        var changed: [String] = []
        for ((parameter, old), new) in zip(zip(module.store.parameters, old), values()) {
            if old != new { changed.append(parameter.name) }
            guard after.names.contains(parameter.name) else { continue }
            report.compare("after load \(parameter.name)", new, to: try after.tensor(parameter.name), within: .exact)
        }
        let expected = try config.strings("keys_changed_by_stage1_load").sorted()
        report.check("keys taken", taken.sorted() == expected, otherwise: "took \(taken), expected \(expected)")
        report.check(
            "keys changed", changed.sorted() == expected, otherwise: "changed \(changed), expected \(expected)")
        report.check(
            "keys of the reference", Set(after.names).isSubset(of: module.store.parameters.map(\.name)),
            otherwise: "some are no parameters of the model")
    }
}
