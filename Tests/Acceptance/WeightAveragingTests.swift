import Foundation
import Checkpoints
import LAMTrain
import TestSupport
import Testing

/// `lam fit` with Lightning's `EMAWeightAveraging`.
@Suite struct WeightAveragingTests {
    /// The tiny run with the callback, and checkpoints after each step.
    private func program(_ arguments: String = "decay: 0.9") throws -> LamProgram {
        try LamProgram(changing: [
            "  logger:": """
                - class_path: lightning.pytorch.callbacks.EMAWeightAveraging
                  init_args: {\(arguments)}
              logger:
            """, "every_n_train_steps: 2": "every_n_train_steps: 1",
        ])
    }

    private func checkpoints(_ program: LamProgram, epoch: Int = 0, _ steps: ClosedRange<Int>) throws
        -> [LightningCheckpoint]
    {
        try steps.map { try program.checkpoint("epoch=\(epoch)-step=\($0).ckpt") }
    }

    @Test("state_dict holds the average of the weights under current_model_state, from the first update on")
    func average() throws {
        let program = try program("decay: 0.9, update_every_n_steps: 2, update_starting_at_step: 1")
        let result = try program.fit("--trainer.max_steps", "6", "--model.restart", "none")
        try #require(result.status == 0, "\(result.error)")
        var expected: [String: [Float]] = [:]
        var updates = 0
        for (step, checkpoint) in zip(1..., try checkpoints(program, 1...6)) {
            let averaging = try #require(checkpoint.averaging)
            // Steps count from 0: those of indices 2 and 4 are due.
            if step == 3 || step == 5 { updates += 1 }
            #expect(averaging.updates == updates)
            #expect(Array(averaging.currentModel.keys) == Array(checkpoint.stateDict.keys))
            for (name, tensor) in averaging.currentModel {
                let current = tensor.floats()
                if step == 3 || updates == 0 {
                    expected[name] = current
                } else if step == 5 {
                    expected[name] = zip(expected[name] ?? [], current).map {
                        let (kept, taken) = ($0 * 0.9, $1 * Float(1 - 0.9))
                        return kept + taken
                    }
                }
                #expect(checkpoint.stateDict[name]?.floats() == expected[name], "\(name), step \(step)")
            }
        }
        let last = try program.checkpoint()
        let state = try #require(last.callbacks.entries.first { $0.key == .string("EMAWeightAveraging") }?.value)
        #expect(state["latest_update_step"]?.int == 5)
    }

    @Test("validation measures the average, training and its steps are as without")
    func validation() throws {
        let options = [
            "--data.val_fraction", "0.5", "--trainer.max_steps", "6", "--trainer.limit_train_batches", "3",
        ]
        let plain = try LamProgram(changing: ["every_n_train_steps: 2": "every_n_train_steps: 1"])
        #expect(try plain.fit(options).status == 0)
        let averaged = try program("decay: 0.9, update_starting_at_epoch: 0")
        let result = try averaged.fit(options)
        try #require(result.status == 0, "\(result.error)")
        let (without, with) = (try plain.checkpoint(), try averaged.checkpoint())
        let averaging = try #require(with.averaging)
        #expect(averaging.updates == 7, "six steps and the first epoch's end; the second one's comes after the file")
        for (name, tensor) in without.stateDict {
            #expect(averaging.currentModel[name]?.bytes() == tensor.bytes(), "\(name)")
        }
        func values(_ program: LamProgram, _ tag: String) throws -> [Double] {
            try String(contentsOf: program.folder.url("logs/tiny/version_0/metrics.jsonl"), encoding: .utf8)
                .split(separator: "\n").compactMap {
                    try JSONDecoder().decode(JSONValue.self, from: Data($0.utf8))[tag]?.double
                }
        }
        #expect(try values(averaged, "train_loss_step") == values(plain, "train_loss_step"))
        let logged = try values(averaged, "val_loss")
        #expect(try logged.count == 3 && logged != values(plain, "val_loss"))
        // The file of the first epoch's last step has the weights of its validation.
        let again = try averaged.run([
            "validate", "--config", "config.yaml", "--data.val_fraction", "0.5", "--ckpt_path",
            "checkpoints/epoch=0-step=3.ckpt",
        ])
        #expect(again.status == 0, "\(again.error)")
        let written = try JSONDecoder().decode(
            JSONValue.self, from: Data(contentsOf: averaged.folder.url("logs/tiny/version_1/metrics.json")))
        let value = try #require(written["metrics"]?["val_loss"]?.double)
        #expect(abs(value - logged[0]) <= 1e-6 * value, "\(value), \(logged[0])")
    }

    static let cases = [
        ("update_every_n_steps: 2, decay: 0.9", 1, [String]()),
        (
            "decay: 0.5, update_starting_at_step: 4, update_starting_at_epoch: 0", 1,
            ["--trainer.limit_train_batches", "3", "--data.val_fraction", "0.2", "--trainer.limit_val_batches", "1"]
        ),
        ("decay: 0.9", 2, []), ("decay: 0.9", 2, ["--trainer.strategy", "ddp_sharded"]),
        ("decay: 0.9, use_buffers: false", 1, ["--trainer.precision", "bf16-mixed", "--model.stage", "stage-2"]),
    ]

    @Test("a run in two parts ends with the same bits as one in one part, average and all", arguments: cases)
    func resume(arguments: String, ranks: Int, options: [String]) throws {
        func fit(_ program: LamProgram, _ more: [String]) throws {
            let result =
                ranks == 1 ? try program.fit(options + more) : try program.fit(ranks: ranks, options + more)
            try #require(result.status == 0, "\(result.error)")
        }
        let whole = try program(arguments)
        try fit(whole, ["--trainer.max_steps", "7"])
        let expected = TrainingState(try whole.checkpoint())
        for cut in [2, 3, 5] {
            let parts = try program(arguments)
            try fit(parts, ["--trainer.max_steps", "\(cut)"])
            try fit(parts, ["--trainer.max_steps", "7", "--ckpt_path", "last"])
            #expect(TrainingState(try parts.checkpoint()).differences(from: expected) == [], "cut at \(cut)")
        }
    }

    @Test("a run begins or ends to average where a run goes on; weights alone are averaged ones")
    func changes() throws {
        let program = try program()
        #expect(try program.fit("--trainer.max_steps", "3").status == 0)
        let file = try program.checkpoint()
        let without = try program.fit(
            "--trainer.max_steps", "4", "--trainer.callbacks", "[]", "--ckpt_path", "checkpoints/last.ckpt")
        #expect(without.status == 0, "\(without.error)")
        #expect(without.error.contains("the checkpoint's weights are averaged, and without EMAWeightAveraging"))

        let plain = try LamProgram()
        #expect(try plain.fit("--trainer.max_steps", "2").status == 0)
        let callbacks =
            "[{class_path: EMAWeightAveraging, init_args: {decay: 0.9}}, {class_path: ModelCheckpoint, init_args: "
        let begun = try plain.fit(
            "--trainer.max_steps", "3", "--ckpt_path", "last", "--trainer.callbacks",
            callbacks + "{dirpath: checkpoints, every_n_train_steps: 1}}]")
        #expect(begun.status == 0 && begun.error.contains("no averaged weights: averaging starts anew"))
        #expect(try plain.checkpoint("epoch=0-step=3.ckpt").averaging?.updates == 1)

        let light = try self.program()
        let weights = try light.fit(
            "--trainer.max_steps", "3", "--trainer.callbacks",
            callbacks + "{dirpath: checkpoints, "
                + "every_n_train_steps: 3, save_weights_only: true}}]")
        #expect(weights.status == 0, "\(weights.error)")
        let alone = try light.checkpoint("epoch=0-step=3.ckpt")
        #expect(alone.averaging == nil)
        for (name, tensor) in file.stateDict { #expect(alone.stateDict[name]?.bytes() == tensor.bytes(), "\(name)") }
    }

    @Test("arguments out of range, of no such name and a second callback are refused where they stand")
    func refusals() throws {
        let cases = [
            ("decay: 1.5", "expected a number from 0 to 1, got 1.5"),
            ("decai: 0.9", "did you mean `decay`"),
            ("update_every_n_steps: -1", "expected an integer from 0"),
        ]
        for (arguments, part) in cases {
            try program(arguments).expectRefusal(
                ["--trainer.max_steps", "1"], status: 2, says: [part, "config.yaml:"])
        }
        try LamProgram().expectRefusal(
            ["--trainer.callbacks", "[EMAWeightAveraging, EMAWeightAveraging]"], status: 2,
            says: ["trainer.callbacks[1]", "a second EMAWeightAveraging; keep one"])
        let note = try program("device: cuda:1").fit("--trainer.max_steps", "1")
        #expect(note.status == 0 && note.error.contains("cuda:1\": the average lies where the weights do"))
    }
}
