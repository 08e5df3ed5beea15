import Foundation
import LAMTrain
import TestSupport
import Testing

/// Labels, two views and windows of several frames from the command line.
@Suite struct AuxiliaryTermTests {
    private static let lawam = [
        "--model.family", "lawam", "--model.bottleneck", "vae", "--model.ffn_expansion_factor", "2",
        "--model.max_state_dim", "7", "--model.embodiment_ids", "{toto: 3}",
    ]

    /// Sums of the first and of the last ten values.
    private func ends(of values: [Double]) -> (first: Double, last: Double) {
        (values.prefix(10).reduce(0, +), values.suffix(10).reduce(0, +))
    }

    private func values(_ program: LamProgram, _ tag: String) throws -> [Double] {
        let text = try String(contentsOf: program.folder.url("logs/tiny/version_0/metrics.jsonl"), encoding: .utf8)
        return text.split(separator: "\n").compactMap { line in
            guard let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
                return nil
            }
            return (object[tag] as? NSNumber)?.doubleValue
        }
    }

    @Test(
        "the head of labels learns, is evaluated and kept, and labels of pairs do without it",
        arguments: ["two-stage", "lawam"])
    func labels(family: String) throws {
        let program = try LamProgram()
        let options =
            (family == "lawam" ? Self.lawam : ["--model.bottleneck", "ae"])
            + ["--model.labels", "action", "--model.label_weight", "1", "--data.image_aug", "false"]
        let fit = try program.fit(options + ["--trainer.max_steps", "40"])
        try #require(fit.status == 0, "\(fit.error)")
        let losses = try values(program, "train/label_loss_step")
        #expect(losses.count == 40)
        let (first, last) = ends(of: losses)
        #expect(last < 0.85 * first, "\(losses)")
        let command = ["--config", "config.yaml", "--ckpt_path", "last"] + options
        let validated = try program.run(["validate"] + command)
        #expect(validated.status == 0 && validated.output.contains("label loss"), "\(validated.error)")
        #expect(try program.checkpoint().stateDict["lam.label_head.weight"] != nil)
        let predicted = try program.run(["predict"] + command)
        #expect(predicted.status == 0, "\(predicted.error)")
    }

    @Test("two views, states as tokens, every normalisation of features, and windows in seconds train and label")
    func views() throws {
        for (normalization, mask) in [("l2", "true"), ("bn", "false")] {
            let program = try LamProgram()
            let options =
                Self.lawam + [
                    "--data.dual_view_aug", "true", "--data.crop", "lawam", "--data.frame_dt_sec", "0.5",
                    "--model.enc_add_state", "true", "--model.norm_latents_type", normalization,
                    "--model.enc_modal_mask", mask,
                ]
            let fit = try program.fit(options)
            try #require(fit.status == 0, "\(fit.error)")
            for command in ["validate", "predict"] {
                let result = try program.run([command, "--config", "config.yaml", "--ckpt_path", "last"] + options)
                #expect(result.status == 0, "\(result.error)")
            }
            let other = try program.run(
                ["predict", "--config", "config.yaml", "--ckpt_path", "last"] + options
                    + ["--model.norm_latents_type", "ln"])
            #expect(other.status == 1 && other.error.contains("model.norm_latents_type \(normalization)"))
        }
    }

    @Test("windows of several frames train both families, with triplet terms")
    func frames() throws {
        for options in [["--model.bottleneck", "ae"], ["--model.bottleneck", "vq"], Self.lawam] {
            let program = try LamProgram()
            let fit = try program.fit(
                options + [
                    "--data.frames", "3", "--data.window", "4", "--model.reversal_weight", "1",
                    "--model.additivity_weight", "1", "--trainer.max_steps", "40",
                ])
            try #require(fit.status == 0, "\(fit.error)")
            for term in ["reversal_loss", "additivity_loss"] {
                let losses = try values(program, "train/\(term)_step")
                #expect(losses.count == 40 && losses.allSatisfy { $0 >= 0 && $0 <= 3 }, "\(term): \(losses)")
            }
        }
    }
}
