import Formats
import Foundation
import LAM
import LAMTrain
import Tensor

/// Case `lam_stage1`: one forward and backward pass of the original's model, and a short AdamW trajectory.
struct StageOneParity: ParityCase {
    let folder: String

    // Limits of the reference data's README, a few times what PyTorch itself differs from a double-precision run.
    private static let finalWeights = ParityTolerance.absolute(1e-5)
    /// The reference set's own bound for bf16 autocast.
    private static let roundedLosses = ParityTolerance.absolute(5e-3)
    /// A few roundings to bf16, 2e-3 each.
    private static let roundedNormRelative = 1e-2
    // 1e-4 of the tensor's largest value, plus what the gradients' own absolute limit of 1e-6 becomes after clipping
    // (a factor of 0.05 or less) and one step's share of it in each moment: some gradients are pure cancellation.
    private static let expAvg = ParityTolerance.mixed(absolute: 5e-9, factor: 1e-4)
    private static let expAvgSq = ParityTolerance.mixed(absolute: 1e-18, factor: 1e-4)
    private static let gradientNormRelative = 1e-5
    /// This share of the final weights lies within `closeWeight`.
    private static let closeShare = 0.999
    private static let closeWeight: Float = 2e-6

    func run() throws -> ParityReport {
        var report = ParityReport(folder: folder)
        let config = try ParityConfig(folder: folder)
        try forwardAndBackward(config, into: &report)
        try trajectory(config, into: &report)
        try roundedTrajectory(config, into: &report)
        return report
    }

    private func replay(_ config: ParityConfig, autocast: Autocast = .off) throws -> ModelReplay {
        try ModelReplay(
            config: config, clipNorm: config.double("optimizer", "grad_clip_norm"), beta: config.double("vq_beta"),
            weights: file("weights.safetensors"), autocast: autocast)
    }

    private func forwardAndBackward(_ config: ParityConfig, into report: inout ParityReport) throws {
        let replay = try replay(config)
        let module = replay.module
        let backend = module.backend
        let taps = try file("taps_f32.safetensors")
        var unseen = Set(taps.names)
        var observed: [(name: String, activation: Tensor)] = []
        let patches = try replay.patches(file("inputs.safetensors"), "patches")
        let (output, result) = try module.trainingStep(patches) { observed.append(($0, $1)) }
        for (name, activation) in observed {
            guard let reference = taps.tensors[name] else { continue }
            unseen.remove(name)
            let values = backend.floats(
                name.hasSuffix(".temporal_attn") ? timeInnermost(activation, backend) : activation)
            report.compare(name, values, to: reference, within: .forward)
        }
        for name in unseen.sorted() { report.check(name, false, otherwise: "this activation was not observed") }

        let outputs = ReplayedOutputs(
            output, result, of: module,
            additional: [
                ("patches", module.backend.floats(patches)), ("usage_after", module.model.action.bottleneck.usage),
            ])
        for precision in ["f32", "f64"] {
            try report.compare(outputs, to: file("outputs_\(precision).safetensors"), "(\(precision))")
        }
        try report.compareGradients(of: module, to: file("grads_f32.safetensors"))
    }

    /// `[B, T, S, E]` to `[B, S, T, E]`, as the original runs its temporal attention.
    private func timeInnermost(_ x: Tensor, _ backend: any Backend) -> Tensor {
        let (batch, frames, tokens, width) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
        let out = backend.empty([batch, tokens, frames, width])
        for sample in 0..<batch {
            for frame in 0..<frames {
                let plan = BlockCopy(
                    blocks: tokens, length: width, source: (sample * frames + frame) * tokens * width,
                    sourceStride: width, target: (sample * tokens * frames + frame) * width,
                    targetStride: frames * width)
                backend.copy(plan, from: x, to: out, accumulate: false)
            }
        }
        return out
    }

    private func trajectory(_ config: ParityConfig, into report: inout ParityReport) throws {
        let replay = try replay(config)
        let module = replay.module
        let inputs = try file("trajectory_inputs.safetensors")
        let steps = try Trajectory(path: "\(folder)/trajectory.json").f32
        for (index, step) in steps.enumerated() {
            let (result, norm) = try replay.step(inputs, "step\(index).patches")
            let expected = [step.loss, step.mse_loss, step.q_loss, step.commit_loss]
            for (place, name) in (["loss"] + result.means.names.map(\.tag)).enumerated() {
                report.compare(
                    "step \(index) \(name)", [result.means.values[place]], to: [expected[place]],
                    within: .losses)
            }
            report.compare(
                "step \(index) grad_norm", [norm], to: [step.grad_norm_preclip],
                within: .absolute(Self.gradientNormRelative * step.grad_norm_preclip))
            report.compare(
                "step \(index) indices", (result.codes[0] ?? []).map(Double.init), to: step.indices.map(Double.init),
                within: .exact)
        }
        let final = try file("trajectory_final_weights_f32.safetensors").tensors
        replay.compareWeights(with: final, in: &report, Self.finalWeights)
        var (close, total) = (0, 0)
        for parameter in module.store.parameters {
            guard let expected = final[parameter.name]?.floats() else { continue }
            total += expected.count
            close += zip(module.backend.floats(parameter.value), expected).count { abs($0 - $1) <= Self.closeWeight }
        }
        report.check(
            "final weights within \(Self.closeWeight)", Double(close) >= Self.closeShare * Double(total),
            otherwise: "\(close) of \(total), expected \(Self.closeShare * 100) %")
        report.compare(
            "final usage", module.model.action.bottleneck.usage,
            to: try file("trajectory_final_usage.safetensors").tensor("usage_after_training"), within: .exact)
        try compareMoments(module, into: &report)
    }

    /// The same steps in `bf16-mixed`, whose losses stay near those of f32; codes may differ where two are equally near.
    private func roundedTrajectory(_ config: ParityConfig, into report: inout ParityReport) throws {
        let replay = try replay(config, autocast: .bf16)
        let inputs = try file("trajectory_inputs.safetensors")
        for (index, step) in try Trajectory(path: "\(folder)/trajectory.json").f32.enumerated() {
            let (result, norm) = try replay.step(inputs, "step\(index).patches")
            report.compare(
                "bf16-mixed step \(index) loss", [Double(result.loss)], to: [step.loss], within: Self.roundedLosses)
            report.compare(
                "bf16-mixed step \(index) grad_norm", [norm], to: [step.grad_norm_preclip],
                within: .absolute(Self.roundedNormRelative * step.grad_norm_preclip))
        }
    }

    private func compareMoments(_ module: LAMModule, into report: inout ParityReport) throws {
        let state = try TorchFile(path: "\(folder)/trajectory_final_optimizer.pth").root["state"]
        for (index, parameter) in module.store.parameters.enumerated() where parameter.isTrainable {
            let entry = state?.dict?[.int(index)]
            let moments = module.optimizer.moments(of: parameter)
            for (name, tensor, tolerance) in [
                ("exp_avg", moments.expAvg, Self.expAvg), ("exp_avg_sq", moments.expAvgSq, Self.expAvgSq),
            ] {
                guard let expected = entry?[name]?.tensor else {
                    report.check("\(name) \(parameter.name)", false, otherwise: "missing in the reference")
                    continue
                }
                report.compare(
                    "\(name) \(parameter.name)", module.backend.floats(tensor), to: expected.contiguous(),
                    within: tolerance)
            }
        }
    }

    /// `trajectory.json`: what each step of the original's float32 run gave.
    private struct Trajectory: Decodable {
        struct Step: Decodable {
            let loss, mse_loss, q_loss, commit_loss, grad_norm_preclip: Double
            let indices: [Int]
        }

        let f32: [Step]

        init(path: String) throws {
            let data = try Data(contentsOf: URL(fileURLWithPath: path))
            self = try JSONDecoder().decode(Trajectory.self, from: data)
        }
    }
}
