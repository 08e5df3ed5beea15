import AcceleratorTestSupport
import Foundation
import LAMTrain
import TestSupport
import Testing

/// Runs on several devices of one process, through the program.
@Suite(
    "Runs on several devices", .serialized,
    .enabled(if: TestPlugin.isThere, "the CPU plugin was not fetched: bash scripts/accelerator.sh cpu"))
struct ReplicaRunTests {
    /// Sums of f32 in another order and by another compiler, a few steps long: a hundred times what was seen.
    private static let tolerance = 1e-4

    private static func devices(_ count: Int) -> [String] {
        ["--trainer.accelerator", "pjrt-cpu", "--trainer.devices", "\(count)"]
    }

    private static func values(_ program: LamProgram, _ tag: String, version: Int = 0) throws -> [Double] {
        let file = program.folder.url("logs/tiny/version_\(version)/metrics.jsonl")
        let text = try String(contentsOf: file, encoding: .utf8)
        return try text.split(separator: "\n").compactMap { line in
            (try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])?[tag] as? Double
        }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let count: Int
        var options: [String] = []
    }

    @Test(
        "N devices train as N ranks of CPUs: losses, norms, codes, what is held out, restarts",
        arguments: [
            Case(
                testDescription:
                    "two, with a moving average, checkpoints, and a last batch of the held-out pairs that is smaller",
                count: 2,
                options: [
                    "--data.val_fraction", "0.2", "--trainer.val_check_interval", "3",
                    "--trainer.callbacks+={class_path: lightning.pytorch.callbacks.EMAWeightAveraging}",
                ]),
            Case(
                testDescription: "four, with accumulation and epochs", count: 4,
                options: ["--trainer.accumulate_grad_batches", "2", "--trainer.limit_train_batches", "5"]),
            Case(
                testDescription: "two, with averages of all latents", count: 2, options: ["--model.bottleneck", "ema"]),
        ])
    func sameAsRanks(_ aCase: Case) throws {
        let options = aCase.options + ["--trainer.max_steps", "6"]
        let ranks = try LamProgram(), devices = try LamProgram()
        try ranks.train(ranks: aCase.count, options + ["--trainer.accelerator", "cpu"])
        let got = try devices.fit(options + Self.devices(aCase.count))
        try #require(got.status == 0, "\(got.error)")
        #expect(got.output.contains("\(aCase.count) such devices"), "\(got.output)")
        for tag in [
            "train_loss_step", "grad_norm_step", "train/code_usage_step", "val_loss", "val/mse_loss",
            "activation_rms/decoder.transformer_blocks.0",
        ] {
            let expected = try Self.values(ranks, tag), found = try Self.values(devices, tag)
            #expect(expected.count == found.count, "\(tag)")
            for (a, b) in zip(expected, found) {
                #expect(abs(a - b) <= Self.tolerance * max(abs(a), 0.01), "\(tag): \(a), \(b)")
            }
        }
        let (a, b) = (TrainingState(try ranks.checkpoint()), TrainingState(try devices.checkpoint()))
        #expect(a.texts["stream"] == b.texts["stream"])
        for name in a.tensors.keys where name.hasSuffix("usage") { #expect(a.tensors[name] == b.tensors[name]) }
    }

    @Test("a run goes on with another number of devices, on CPUs, and with the same number to the same bits")
    func goesOn() throws {
        let straight = try LamProgram(), program = try LamProgram()
        try #require(
            try straight.fit(Self.devices(2) + ["--trainer.max_steps", "8", "--data.batch_size", "4"]).status == 0)
        for (count, steps) in [(2, 4), (4, 6), (1, 8)] {
            let resume = steps > 4 ? ["--ckpt_path", "last"] : []
            let result = try program.fit(
                Self.devices(count) + ["--trainer.max_steps", "\(steps)", "--data.batch_size", "\(8 / count)"] + resume)
            try #require(result.status == 0, "\(result.error)")
        }
        let (a, b) = (TrainingState(try straight.checkpoint()), TrainingState(try program.checkpoint()))
        #expect(a.texts["stream"] == b.texts["stream"])
        let expected = try #require(try Self.values(straight, "train_loss_step").last)
        let got = try #require(try Self.values(program, "train_loss_step", version: 2).last)
        #expect(abs(expected - got) <= Self.tolerance * expected, "\(expected), \(got)")

        let parts = try LamProgram()
        for steps in ["4", "8"] {
            let resume = steps == "8" ? ["--ckpt_path", "last"] : []
            let result = try parts.fit(
                Self.devices(2) + ["--trainer.max_steps", steps, "--data.batch_size", "4"] + resume)
            try #require(result.status == 0, "\(result.error)")
        }
        let differences = TrainingState(try parts.checkpoint()).differences(from: a)
        #expect(differences.isEmpty, "\(differences)")
    }

    @Test("a fault of one device's data ends all with its message and exit code")
    func fault() throws {
        let program = try LamProgram()
        let result = try program.fit(
            Self.devices(2) + ["--data.root", program.folder.path("nothing-here"), "--trainer.max_steps", "4"])
        #expect(result.status == 3, "\(result.error)")
        #expect(result.error.split(separator: "\n").count { $0.hasPrefix("error:") } == 1, "\(result.error)")
    }

    @Test("more devices than there are is one line with the remedy and exit code 2")
    func tooMany() throws {
        let result = try LamProgram().fit(Self.devices(100))
        #expect(result.status == 2)
        #expect(result.error.contains("expected 100, got 64"), "\(result.error)")
    }
}
