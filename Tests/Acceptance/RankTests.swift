import Formats
import Foundation
import LAMTrain
import TestSupport
import Testing

/// `lam fit` as several processes that mpirun starts.
@Suite(.serialized) struct RankTests {
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
    ]

    @Test("k ranks with batch b train as one process with batch k b", arguments: cases)
    func sameTrajectory(_ aCase: Case) throws {
        let options = aCase.options + ["--trainer.max_steps", "6"]
        let one = try LamProgram()
        let alone = try one.fit(options + ["--data.batch_size", "\(aCase.ranks * aCase.batch)"])
        #expect(alone.status == 0, "\(alone.error)")
        let many = try LamProgram()
        let together = try many.fit(ranks: aCase.ranks, options + ["--data.batch_size", "\(aCase.batch)"])
        try #require(together.status == 0, "\(together.error)")

        let tags = [
            "train_loss_step", "train/code_usage_step", "grad_norm_step", "train/copy_baseline_step", "val_loss",
            "grad_norm/encoder.transformer_blocks.0", "activation_rms/decoder.transformer_blocks.0",
        ]
        for tag in tags {
            let expected = try values(one, tag), got = try values(many, tag)
            #expect(expected.count == got.count, "\(tag)")
            for (a, b) in zip(expected, got) { #expect(abs(a - b) <= Self.tolerance * abs(a), "\(tag): \(a), \(b)") }
        }
        let (a, b) = (try one.checkpoint(), try many.checkpoint())
        // AdamW's first steps move by the learning rate in the gradient's sign, even where that is rounding noise.
        #expect(difference(a, b) < 0.05)
        let (first, second) = (TrainingState(a), TrainingState(b))
        for name in first.tensors.keys where name.hasSuffix("usage") {
            #expect(first.tensors[name] == second.tensors[name], "\(name)")
        }
        #expect(first.texts["stream"] == second.texts["stream"] && a.globalStep == b.globalStep)
        // One process prints, logs and saves.
        #expect(many.files().filter { !$0.contains("events") } == one.files().filter { !$0.contains("events") })
        #expect(together.output.matches(of: /steps in/).count == 1, "\(together.output)")
        #expect(together.output.contains("\(aCase.ranks) ranks on "), "\(together.output)")
        let effective = aCase.ranks * aCase.batch * aCase.accumulated
        #expect(together.output.contains("batch \(effective) (\(aCase.ranks) x \(aCase.batch)"), "\(together.output)")
    }

    @Test("a run goes on with another number of ranks and the same samples")
    func elastic() throws {
        let straight = try LamProgram()
        #expect(try straight.fit("--trainer.max_steps", "8", "--data.batch_size", "8").status == 0)
        let program = try LamProgram()
        for (ranks, steps) in [(2, 3), (1, 5), (4, 8)] {
            let resume = steps > 3 ? ["--ckpt_path", "last"] : []
            let result = try program.fit(
                ranks: ranks, ["--trainer.max_steps", "\(steps)", "--data.batch_size", "\(8 / ranks)"] + resume)
            try #require(result.status == 0, "\(result.error)")
        }
        let (a, b) = (try straight.checkpoint(), try program.checkpoint())
        #expect(TrainingState(a).texts["stream"] == TrainingState(b).texts["stream"])
        #expect(difference(a, b) < 0.05)
    }

    @Test("a run in two parts ends with the same bits as one in one part, in bf16 on the wire and with sharding, too")
    func exactResume() throws {
        for options in [[], ["--trainer.gradient_wire", "bf16"], ["--trainer.strategy", "ddp_sharded"]] {
            let whole = try LamProgram(), parts = try LamProgram()
            let all = try whole.fit(ranks: 2, options + ["--trainer.max_steps", "6"])
            try #require(all.status == 0, "\(all.error)")
            #expect(try parts.fit(ranks: 2, options + ["--trainer.max_steps", "4"]).status == 0)
            #expect(try parts.fit(ranks: 2, options + ["--trainer.max_steps", "6", "--ckpt_path", "last"]).status == 0)
            #expect(
                TrainingState(try parts.checkpoint()).differences(from: TrainingState(try whole.checkpoint())) == [])
        }
    }

    @Test("a sharded optimiser gives the same bits, and a checkpoint that one process goes on from")
    func sharded() throws {
        let whole = try LamProgram(), sharded = try LamProgram()
        let options = ["--trainer.max_steps", "4", "--trainer.gradient_bucket_mib", "0.03"]
        let first = try whole.fit(ranks: 3, options)
        try #require(first.status == 0, "\(first.error)")
        #expect(try sharded.fit(ranks: 3, options + ["--trainer.strategy", "ddp_sharded"]).status == 0)
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
            #expect(try program.fit("--trainer.max_steps", "6", "--ckpt_path", "last").status == 0)
        }
        #expect(TrainingState(try sharded.checkpoint()).differences(from: TrainingState(try whole.checkpoint())) == [])
    }

    @Test("bf16 on the wire trains as f32 within its rounding")
    func wire() throws {
        let full = try LamProgram(), half = try LamProgram()
        #expect(try full.fit(ranks: 2, ["--trainer.max_steps", "6"]).status == 0)
        #expect(try half.fit(ranks: 2, ["--trainer.max_steps", "6", "--trainer.gradient_wire", "bf16"]).status == 0)
        for (a, b) in zip(try values(full, "train_loss_step"), try values(half, "train_loss_step")) {
            #expect(abs(a - b) <= 0.02 * abs(a))
        }
        #expect(try values(full, "grad_norm_step") != values(half, "grad_norm_step"))
    }

    @Test("a configuration that none can run is refused in one line, whatever the number of ranks")
    func refused() throws {
        let program = try LamProgram()
        let cases: [([String], Int32, String)] = [
            (["--data.batch_sise", "4"], 2, "batch_size"),
            (["--data.dataset_mix", "[[nowhere, 1.0]]"], 3, "nowhere"),
            (["--trainer.devices", "3"], 2, "3 processes, but 2 run"),
        ]
        for (options, status, part) in cases {
            let result = try program.fit(ranks: 2, options)
            #expect(result.status == status, "\(result.error)")
            let errors = result.error.split(separator: "\n").filter { $0.contains("error: ") }
            #expect(errors.count == 1 && errors[0].contains(part), "\(result.error)")
        }
        #expect(program.files() == ["config.yaml"])
    }

    @Test("processes share the frames of inspect --verify, and print what one prints")
    func inspect() throws {
        let program = try LamProgram()
        for (dataset, status) in [("droid_push_v30", Int32(0)), ("bad/truncated_video_v30", 3)] {
            let arguments = ["inspect", "--verify", Goldens.url("datasets/\(dataset)").path]
            let one = try program.run(arguments)
            let started = try program.process(ranks: 2, arguments)
            // mpirun gives each process a terminal, and people on one bold letters.
            started.process.environment?["NO_COLOR"] = "1"
            try started.process.run()
            let two = try program.result(of: started)
            #expect(one.status == status && two.status == status, "\(two.error)")
            #expect(two.output.replacingOccurrences(of: "\r\n", with: "\n") == one.output)
            #expect(
                two.error.components(separatedBy: "lam inspect: ").count
                    == one.error.components(separatedBy: "lam inspect: ").count)
        }
    }

    @Test("what torchrun starts is refused with the line for mpirun")
    func torchrun() throws {
        let program = try LamProgram()
        let result = try program.fit(
            afterShell: "export WORLD_SIZE=4 RANK=0 LOCAL_RANK=0 MASTER_ADDR=localhost", "--trainer.max_steps", "2")
        #expect(result.status == 2 && result.error.contains("mpirun -n 4 lam fit"), "\(result.error)")
    }
}
