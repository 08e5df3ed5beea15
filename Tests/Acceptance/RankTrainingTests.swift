import Formats
import Foundation
import Checkpoints
import LAMTrain
import TestSupport
import Testing

/// The trajectories of runs of several ranks, each a thread of this process.
@Suite struct RankTrainingTests {
    /// Losses are f32 sums of another order, a few steps long.
    static let tolerance = 2e-4

    /// `train_loss_step` and other values by step.
    private func values(_ program: LamProgram, _ tag: String) throws -> [Double] {
        let text = try String(contentsOf: program.folder.url("logs/tiny/version_0/metrics.jsonl"), encoding: .utf8)
        return try text.split(separator: "\n").compactMap { line in
            try JSONDecoder().decode(JSONValue.self, from: Data(line.utf8))[tag]?.double
        }
    }

    /// Largest difference of weights, relative to their largest value.
    private func difference(_ a: LightningCheckpoint, _ b: LightningCheckpoint) -> Double {
        var worst = 0.0
        for (name, tensor) in a.stateDict {
            let x = tensor.floats(), y = b.stateDict[name]?.floats() ?? []
            guard x.count == y.count else { return .infinity }
            let scale = Double(x.map { abs($0) }.max() ?? 1) + 1e-6
            for (p, q) in zip(x, y) { worst = max(worst, Double(abs(p - q)) / scale) }
        }
        return worst
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var ranks = 2
        var batch = 4
        var accumulated = 1
        var options: [String] = []
        /// Of values, relative to their size.
        var tolerance = RankTrainingTests.tolerance
    }

    static let cases = [
        Case(testDescription: "of two ranks, with restarts of codes"),
        Case(
            testDescription: "of three ranks, with accumulation and small buckets", ranks: 3, batch: 2,
            accumulated: 2,
            options: ["--trainer.accumulate_grad_batches", "2", "--trainer.gradient_bucket_mib", "0.01"]),
        Case(
            testDescription: "with validation, epochs and activations made again",
            options: [
                "--data.val_fraction", "0.2", "--trainer.limit_train_batches", "3", "--trainer.limit_val_batches", "2",
                "--trainer.activation_checkpointing", "true", "--trainer.gradient_bucket_mib", "0.02",
            ]),
        Case(
            testDescription: "with the original's counting and restarts",
            options: [
                "--model.usage", "original", "--model.restart", "original", "--trainer.limit_train_batches", "3",
            ]),
        Case(
            testDescription: "of a stage-2 model", options: ["--model.stage", "stage-2"]),
        Case(
            testDescription: "with noise in place of rounding, and codes that start from all ranks' latents",
            options: ["--model.bottleneck", "nsvq"]),
        Case(testDescription: "with moving averages of all ranks' latents", options: ["--model.bottleneck", "ema"]),
        Case(
            testDescription: "with scalar quantisation",
            options: ["--model.bottleneck", "fsq", "--model.bottleneck.levels", "[2, 2]"]),
        Case(testDescription: "with a variational bottleneck", options: ["--model.bottleneck", "vae"]),
        Case(
            testDescription: "of LaWAM's family, with states",
            options: ["--model.family", "lawam", "--model.bottleneck", "vae", "--model.max_state_dim", "6"]),
        Case(testDescription: "with open latents", options: ["--model.bottleneck", "ae"]),
        Case(
            testDescription: "with labels of some episodes and windows of several frames",
            options: [
                "--model.bottleneck", "ae", "--model.labels", "state", "--model.label_share", "0.5", "--data.frames",
                "3",
                "--data.window", "3", "--model.additivity_weight", "0.1",
            ],
            // Its first block's gradient is a thousandth of the whole one's, so that rounding weighs as much more.
            tolerance: 2e-3),
    ]

    @Test("k ranks with batch b train as one process with batch k b", arguments: cases)
    func sameTrajectory(_ aCase: Case) throws {
        let options = aCase.options + ["--trainer.max_steps", "6"]
        let one = try LamProgram()
        try one.train(ranks: 1, options + ["--data.batch_size", "\(aCase.ranks * aCase.batch)"])
        let many = try LamProgram()
        let together = try many.train(ranks: aCase.ranks, options + ["--data.batch_size", "\(aCase.batch)"])

        let tags = [
            "train_loss_step", "train/code_usage_step", "grad_norm_step", "train/copy_baseline_step", "val_loss",
            "grad_norm/encoder.transformer_blocks.0", "activation_rms/decoder.transformer_blocks.0",
        ]
        for tag in tags {
            let expected = try values(one, tag), got = try values(many, tag)
            #expect(expected.count == got.count, "\(tag)")
            for (a, b) in zip(expected, got) { #expect(abs(a - b) <= aCase.tolerance * abs(a), "\(tag): \(a), \(b)") }
        }
        let (a, b) = (try one.checkpoint(), try many.checkpoint())
        // AdamW's first steps move by the learning rate in the gradient's sign, even where that is rounding noise.
        // Parameters of LaWAM's that start at zero hold nothing but such steps.
        #expect(aCase.options.contains("lawam") || difference(a, b) < 0.05)
        let (first, second) = (TrainingState(a), TrainingState(b))
        for name in first.tensors.keys where name.hasSuffix("usage") {
            #expect(first.tensors[name] == second.tensors[name], "\(name)")
        }
        #expect(first.texts["stream"] == second.texts["stream"] && a.globalStep == b.globalStep)
        // One rank logs and saves.
        #expect(many.files().filter { !$0.contains("events") } == one.files().filter { !$0.contains("events") })
        let effective = aCase.ranks * aCase.batch * aCase.accumulated
        let banner = together.banner.joined(separator: "\n")
        #expect(banner.contains("batch \(effective) (\(aCase.ranks) x \(aCase.batch)"), "\(banner)")
    }

    @Test("a run goes on with another number of ranks and the same samples")
    func elastic() throws {
        let straight = try LamProgram()
        try straight.train(ranks: 1, ["--trainer.max_steps", "8", "--data.batch_size", "8"])
        let program = try LamProgram()
        for (ranks, steps) in [(2, 3), (1, 5), (4, 8)] {
            let resume = steps > 3 ? ["--ckpt_path", "last"] : []
            try program.train(
                ranks: ranks, ["--trainer.max_steps", "\(steps)", "--data.batch_size", "\(8 / ranks)"] + resume)
        }
        let (a, b) = (try straight.checkpoint(), try program.checkpoint())
        #expect(TrainingState(a).texts["stream"] == TrainingState(b).texts["stream"])
        #expect(difference(a, b) < 0.05)
    }

    @Test("a run in two parts ends with the same bits as one in one part, in bf16 on the wire and with sharding, too")
    func exactResume() throws {
        for options in [[], ["--trainer.gradient_wire", "bf16"], ["--trainer.strategy", "ddp_sharded"]] {
            let whole = try LamProgram(), parts = try LamProgram()
            try whole.train(ranks: 2, options + ["--trainer.max_steps", "6"])
            try parts.train(ranks: 2, options + ["--trainer.max_steps", "4"])
            try parts.train(ranks: 2, options + ["--trainer.max_steps", "6", "--ckpt_path", "last"])
            #expect(
                TrainingState(try parts.checkpoint()).differences(from: TrainingState(try whole.checkpoint())) == [])
        }
    }

    @Test("a sharded optimiser gives the same bits, and a checkpoint that one process goes on from")
    func sharded() throws {
        let whole = try LamProgram(), sharded = try LamProgram()
        let options = ["--trainer.max_steps", "4", "--trainer.gradient_bucket_mib", "0.03"]
        try whole.train(ranks: 3, options)
        try sharded.train(ranks: 3, options + ["--trainer.strategy", "ddp_sharded"])
        #expect(TrainingState(try sharded.checkpoint()).differences(from: TrainingState(try whole.checkpoint())) == [])
        let tags = [
            "grad_norm_step", "grad_norm/encoder.transformer_blocks.0", "grad_norm/decoder.transformer_blocks.0",
            "grad_norm/vq", "activation_rms/encoder.transformer_blocks.0",
        ]
        for tag in tags {
            let expected = try values(whole, tag)
            #expect(try expected.count == 4 && values(sharded, tag) == expected, "\(tag)")
        }
        for program in [whole, sharded] {
            try program.train(ranks: 1, ["--trainer.max_steps", "6", "--ckpt_path", "last"])
        }
        #expect(TrainingState(try sharded.checkpoint()).differences(from: TrainingState(try whole.checkpoint())) == [])
    }

    @Test("bf16 on the wire trains as f32 within its rounding")
    func wire() throws {
        let full = try LamProgram(), half = try LamProgram()
        try full.train(ranks: 2, ["--trainer.max_steps", "6"])
        try half.train(ranks: 2, ["--trainer.max_steps", "6", "--trainer.gradient_wire", "bf16"])
        for (a, b) in zip(try values(full, "train_loss_step"), try values(half, "train_loss_step")) {
            #expect(abs(a - b) <= 0.02 * abs(a))
        }
        let (a, b) = (try values(full, "grad_norm_step"), try values(half, "grad_norm_step"))
        // Of the first step, before the optimiser makes more of the differences.
        #expect(a[0] != b[0] && abs(a[0] - b[0]) < 0.005 * a[0])
    }
}
