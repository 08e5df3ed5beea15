import Devices
import Formats
import Frozen
import Foundation
import LAM
import LAMTrain
import NN
import Tensor

/// Cases `lawam_vae`, `lawam_ae`, `lawam_vq`, `lawam_nsvq`, `lawam_ema`, `lawam_state` and others of whole models: a forward and
/// backward pass, an evaluation, and three AdamW steps.
struct LawamParity: ParityCase {
    private static let finalWeights = ParityTolerance.absolute(3e-5)
    private static let closeWeight: Float = 1e-6
    private static let closeShare = 0.99
    private static let gradientNormRelative = 1e-5
    /// What the key third of an attention's bias may move: its gradient is nothing but rounding, which Adam makes steps of.
    private static let keyBias = ParityTolerance.absolute(3.3e-3)
    private static let firstMoments = ParityTolerance.mixed(absolute: 5e-9, factor: 1e-4)
    private static let secondMoments = ParityTolerance.mixed(absolute: 1e-18, factor: 1e-4)

    let folder: String

    func run() throws -> ParityReport {
        var report = ParityReport(folder: folder)
        let config = try ParityConfig(folder: folder)
        let replayed = try LawamCase(config)
        try pass(replayed, into: &report)
        if FileManager.default.fileExists(atPath: "\(folder)/trajectory.json") {
            try trajectory(replayed, config, into: &report)
        }
        return report
    }

    /// A module with the case's weights and averages.
    private func module(_ replayed: LawamCase, optimizer: AdamW.Options = .init()) throws -> LAMModule {
        let module = LAMModule(backend: Device.open(), optimizer: optimizer, seed: 0) {
            LawamModel($0, featureWidth: replayed.featureWidth, replayed.options)
        }
        try load(file("weights.safetensors"), into: module.store)
        return module
    }

    private func pass(_ replayed: LawamCase, into report: inout ParityReport) throws {
        let module = try module(replayed)
        let backend = module.backend
        let inputs = try file("inputs.safetensors")
        var observed: [String: [Float]] = [:]
        let input = try replayed.input(inputs, prefix: "", on: backend)
        let output = module.forwardAndBackward(
            input, observer: { observed[$0] = $1.dtype == .f32 ? backend.floats($1) : nil }
        ).output
        let evaluated = module.model(input.evaluated, Tape(on: backend, recording: false))

        for precision in ["f32", "f64"] {
            let expected = try file("outputs_\(precision).safetensors")
            func compare(_ name: String, _ tensor: Tensor?, _ tolerance: ParityTolerance = .forward) {
                guard let stored = expected.tensors[name], let tensor else { return }
                report.compare(
                    "\(name) \(precision)", backend.floats(tensor), to: stored, within: tolerance)
            }
            compare("quantized", output.action.zQ)
            compare("recon", output.recon)
            compare("target", output.target)
            compare("dec_in", output.current)
            compare("s_pred", output.stateChange)
            compare("inference.quantized", evaluated.action.zQ)
            compare("inference.recon", evaluated.recon)
            compare("inference.s_pred", evaluated.stateChange)
            compare("loss", output.loss, .losses)
            let names = module.model.lossNames.map(\.tag)
            func loss(_ tag: String) -> Tensor? { names.firstIndex(of: tag).map { output.losses[$0] } }
            compare("recon_loss", loss("recon_loss"), .losses)
            compare("kl", loss("kl_loss"), .losses)
            compare("state_loss_weighted", loss("state_loss"), .losses)
            for (name, indices) in [
                ("indices", output.action.indices), ("inference.indices", evaluated.action.indices),
            ] {
                guard let stored = expected.tensors[name], let indices else { continue }
                report.compare(
                    "\(name) \(precision)", backend.int32s(indices).map(Double.init),
                    to: try stored.int64s().map { Double($0) }, within: .exact)
            }
        }
        compareTaps(observed, try file("taps_f32.safetensors"), into: &report)
        let gradients = try file("grads_f32.safetensors")
        for parameter in module.store.trainable {
            guard let gradient = parameter.gradient else { continue }
            let values = backend.floats(gradient)
            if let expected = gradients.tensors[parameter.name] {
                report.compare("grad \(parameter.name)", values, to: expected, within: .gradients)
            } else {
                report.check(
                    "grad \(parameter.name) is zero", values.allSatisfy { abs($0) <= 1e-6 },
                    otherwise: "the reference has none")
            }
        }
        for name in gradients.names where !module.store.trainable.contains(where: { $0.name == name }) {
            report.check("grad \(name)", false, otherwise: "this parameter has no gradient")
        }
        try module.updateBottlenecks()
        try compareBuffers(module, "buffers_after_f32.safetensors", into: &report)
    }

    /// Activations that this program makes under the original's names.
    private func compareTaps(_ observed: [String: [Float]], _ taps: SafeTensors, into report: inout ParityReport) {
        let shared = taps.names.filter { observed[$0] != nil }
        for name in shared {
            guard let own = observed[name], let expected = taps.tensors[name], own.count == expected.count else {
                // Of tokens whose order is another here.
                continue
            }
            report.compare("tap \(name)", own, to: expected, within: .forward)
        }
        report.check("taps", shared.count >= 8, otherwise: "only \(shared.count) activations have known names")
    }

    /// Averages of a codebook after a pass.
    private func compareBuffers(_ module: LAMModule, _ name: String, into report: inout ParityReport) throws {
        guard FileManager.default.fileExists(atPath: "\(folder)/\(name)") else { return }
        let buffers = try file(name)
        for parameter in module.store.parameters where !parameter.isTrainable {
            guard let expected = buffers.tensors[parameter.name] else { continue }
            report.compare(
                "\(parameter.name) after", module.backend.floats(parameter.value), to: expected, within: .forward)
        }
    }

    private struct Step: Decodable {
        let lr, grad_norm_preclip, loss, recon_loss: Double
        let indices: [Int]?
    }

    private func trajectory(
        _ replayed: LawamCase, _ config: ParityConfig, into report: inout ParityReport
    ) throws {
        var options = AdamW.Options()
        options.weightDecay = Float(try config.double("optimizer", "weight_decay"))
        options.undecayed = [.bias, .norm]
        let module = try module(replayed, optimizer: options)
        let backend = module.backend
        let start = Dictionary(
            uniqueKeysWithValues: module.store.parameters.map { ($0.name, backend.floats($0.value)) })
        let inputs = try file("trajectory_inputs.safetensors")
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/trajectory.json"))
        let steps = try JSONDecoder().decode([String: [Step]].self, from: data)["f32"] ?? []
        let clip = try config.double("optimizer", "grad_clip_norm")
        for (index, step) in steps.enumerated() {
            let input = try replayed.input(inputs, prefix: "step\(index).", step: index, on: backend)
            let record = module.forwardAndBackward(input)
            let result = try record.result()
            let norm = backend.doubles(module.optimizerStep(learningRate: Float(step.lr), clipNorm: clip))[0]
            try module.updateBottlenecks()
            report.compare(
                "step \(index) loss", [Double(result.loss)], to: [step.loss], within: .losses)
            report.compare(
                "step \(index) recon_loss", [result.means.reconstruction], to: [step.recon_loss], within: .losses)
            report.compare(
                "step \(index) grad_norm", [norm], to: [step.grad_norm_preclip],
                within: .absolute(Self.gradientNormRelative * step.grad_norm_preclip))
            if let indices = step.indices, let own = result.codes[0] {
                report.compare(
                    "step \(index) indices", own.map(Double.init), to: indices.map(Double.init), within: .exact)
            }
        }
        let final = try file("trajectory_final_weights_f32.safetensors")
        var (close, total) = (0, 0)
        for parameter in module.store.parameters {
            guard let expected = final.tensors[parameter.name]?.floats() else { continue }
            var own = backend.floats(parameter.value), wanted = expected
            if let keys = Self.keyRows(parameter) {
                report.compare(
                    "final \(parameter.name), keys", own[keys].map(Double.init),
                    to: (start[parameter.name] ?? own)[keys].map(Double.init), within: Self.keyBias)
                own.removeSubrange(keys)
                wanted.removeSubrange(keys)
            }
            total += own.count
            close += zip(own, wanted).count { abs($0 - $1) <= Self.closeWeight }
            report.compare(
                "final \(parameter.name)", own.map(Double.init), to: wanted.map(Double.init),
                within: Self.finalWeights)
        }
        report.check(
            "final weights within \(Self.closeWeight)", Double(close) >= Self.closeShare * Double(total),
            otherwise: "\(close) of \(total), expected \(Self.closeShare * 100) %")
        try compareMoments(module, into: &report)
    }

    private func compareMoments(_ module: LAMModule, into report: inout ParityReport) throws {
        let name = "trajectory_final_moments_f32.safetensors"
        guard FileManager.default.fileExists(atPath: "\(folder)/\(name)") else { return }
        let expected = try file(name)
        for parameter in module.store.trainable {
            let moments = module.optimizer.moments(of: parameter)
            for (kind, tensor, tolerance) in [
                ("exp_avg", moments.expAvg, Self.firstMoments), ("exp_avg_sq", moments.expAvgSq, Self.secondMoments),
            ] {
                guard let stored = expected.tensors["\(kind).\(parameter.name)"] else { continue }
                var own = module.backend.floats(tensor), wanted = stored.floats()
                if let keys = Self.keyRows(parameter) {
                    own.removeSubrange(keys)
                    wanted.removeSubrange(keys)
                }
                report.compare(
                    "\(kind) \(parameter.name)", own.map(Double.init), to: wanted.map(Double.init), within: tolerance)
            }
        }
    }

    /// The key third of an attention's bias.
    private static func keyRows(_ parameter: Parameter) -> Range<Int>? {
        guard parameter.name.hasSuffix("in_proj_bias") else { return nil }
        return parameter.count / 3..<2 * parameter.count / 3
    }
}

extension LatentActionInput {
    /// The same for an evaluation.
    var evaluated: LatentActionInput {
        LatentActionInput(patches: patches, language: language, states: states)
    }
}
