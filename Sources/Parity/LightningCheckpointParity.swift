import Formats
import Foundation
import Checkpoints
import LAMTrain

/// Case `lightning_ckpt`: the steps of real Lightning runs, started from their initial weights; and their checkpoints.
struct LightningCheckpointParity: ParityCase {
    let folder: String

    // Limits of the reference data's README for a float32 run.
    private static let losses = ParityTolerance.absolute(1e-5)
    private static let weights = ParityTolerance.absolute(2e-5)
    // 1e-4 of the tensor's largest value, plus what the gradients' own absolute limit of 1e-6 becomes after clipping
    // (a factor of 0.05 or less) and one step's share of it in each moment: some gradients are pure cancellation.
    private static let expAvg = ParityTolerance.mixed(absolute: 5e-9, factor: 1e-4)
    private static let expAvgSq = ParityTolerance.mixed(absolute: 1e-18, factor: 1e-4)
    private static let gradientNormRelative = 1e-5
    /// A half-precision run: its losses are only near a float32 run's.
    private static let halfLosses = ParityTolerance.absolute(1e-3)

    func run() throws -> ParityReport {
        var report = ParityReport(folder: folder)
        try full(into: &report)
        try half(into: &report)
        return report
    }

    private func replay(_ run: String) throws -> ModelReplay {
        let config = try ParityConfig(folder: folder)
        return try ModelReplay(
            config: config, clipNorm: config.double("gradient_clip_val"), beta: 0.25,
            weights: file("\(run)/initial_weights.safetensors"), prefix: "lam.")
    }

    private func full(into report: inout ParityReport) throws {
        let run = "cli_fp32"
        let replay = try replay(run)
        let module = replay.module
        let logPath = "\(folder)/\(run)/log.json"
        let log = try Log(path: logPath)
        let features = try file("dino_features_f32.safetensors")
        for (index, expected) in log.per_step_logged.enumerated() {
            guard index < log.grad_norm_preclip.count else {
                throw ParityError.missingStep(path: logPath, step: index)
            }
            let (result, norm) = try replay.step(features, "step\(index).patches")
            for (key, got) in MetricTag.values(of: result.statistics, .train)
            where key != MetricTag.copyBaseline(.train) {
                guard let value = expected[key] else { throw ParityError.missingStep(path: logPath, step: index) }
                report.compare("\(run) step \(index) \(key)", [got], to: [value], within: Self.losses)
            }
            let expectedNorm = log.grad_norm_preclip[index]
            report.compare(
                "\(run) step \(index) grad_norm", [norm], to: [expectedNorm],
                within: .absolute(Self.gradientNormRelative * expectedNorm))
        }
        let final = try file("\(run)/final_weights.safetensors").tensors
        replay.compareWeights(with: final, in: &report, Self.weights)
        let moments = try file("\(run)/optimizer_state_by_name.safetensors")
        for parameter in module.store.trainable {
            let own = module.optimizer.moments(of: parameter)
            for (kind, tensor, tolerance) in [
                ("exp_avg", own.expAvg, Self.expAvg), ("exp_avg_sq", own.expAvgSq, Self.expAvgSq),
            ] {
                let name = "lam.\(parameter.name).\(kind)"
                report.compare(
                    "\(run) \(name)", module.backend.floats(tensor), to: try moments.tensor(name), within: tolerance)
            }
        }
        let checkpoint = try LightningCheckpoint(contentsOf: "\(folder)/\(run)/last.ckpt")
        for (name, expected) in final {
            report.compare(
                "\(run) last.ckpt \(name)", checkpoint.stateDict[name]?.floats() ?? [], to: expected, within: .exact)
        }
    }

    private func half(into report: inout ParityReport) throws {
        let run = "plain_fp16mixed_scaler"
        let replay = try replay(run)
        let logPath = "\(folder)/\(run)/log.json"
        let features = try file("dino_features_f32.safetensors")
        for (index, expected) in try Log(path: logPath).per_step_logged.enumerated() {
            guard let loss = expected["train_loss"] else { throw ParityError.missingStep(path: logPath, step: index) }
            let (result, _) = try replay.step(features, "step\(index).patches")
            report.compare(
                "\(run) step \(index) train_loss", [Double(result.loss)], to: [loss], within: Self.halfLosses)
        }
        let checkpoint = try LightningCheckpoint(contentsOf: "\(folder)/\(run)/last.ckpt")
        let initial = try file("\(run)/initial_weights.safetensors")
        report.check(
            "\(run) last.ckpt keys", Set(checkpoint.stateDict.keys) == Set(initial.names),
            otherwise: "its state dict has other keys than the run's weights")
    }

    private struct Log: Decodable {
        let per_step_logged: [[String: Double]]
        let grad_norm_preclip: [Double]

        init(path: String) throws {
            self = try JSONDecoder().decode(Log.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
        }
    }
}
