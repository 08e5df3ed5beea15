import Formats
import Foundation
import LAMTrain
import TestSupport
import Testing

/// `lam fit` from the configuration to the files it leaves.
@Suite struct FitTests {
    /// The keys of every line of `metrics.jsonl`, by step.
    private func metrics(_ program: LamProgram, version: Int = 0) throws -> [(step: Int, values: [String: Double])] {
        let text = try String(
            contentsOf: program.folder.url("logs/tiny/version_\(version)/metrics.jsonl"), encoding: .utf8)
        return try text.split(separator: "\n").map { line in
            let object = try JSONDecoder().decode(JSONValue.self, from: Data(line.utf8))
            return (try #require(object["step"]?.int), (object.object ?? [:]).compactMapValues(\.double))
        }
    }

    @Test("a run leaves summary, logs, checkpoints by Lightning's names and contact sheets")
    func endToEnd() throws {
        let program = try LamProgram()
        _ = try program.folder.write(
            LamProgram.tinyConfiguration
                + "    - class_path: lightning.pytorch.loggers.TensorBoardLogger\n"
                + "      init_args: {save_dir: logs, name: second}\n")
        let result = try program.fit(
            "--data.root", Goldens.repository.appendingPathComponent("datasets").path,
            "--data.dataset_mix", "[[quickstart_push_v30, 1.0]]", "--data.val_fraction", "0.05",
            "--trainer.limit_train_batches", "3", "--trainer.max_steps", "6", "--trainer.limit_val_batches", "2")
        #expect(result.status == 0, "\(result.error)")
        for part in [
            "6 steps in", "loss  ", "reconstruction  mse", "held-out pairs", "of 8 in use", "checkpoint  ",
            "TensorBoard     tensorboard --logdir logs/tiny/version_0\n", "contact sheets  logs/tiny/version_0/",
            "contact_sheets/code_*.png",
        ] {
            #expect(result.output.contains(part), "\(part): \(result.output)")
        }
        #expect(!result.output.contains("\u{1B}"), "no escape codes in a file")
        #expect(!result.output.contains("nan"))

        let files = program.files()
        #expect(
            files.filter { $0.hasPrefix("checkpoints") }
                == ["epoch=0-step=2", "epoch=1-step=4", "epoch=1-step=6", "last"].map { "checkpoints/\($0).ckpt" })
        for logger in ["tiny", "second"] {
            let own = files.filter { $0.hasPrefix("logs/\(logger)/version_0/") }
            #expect(own.contains { $0.contains("events.out.tfevents.") })
            #expect(own.contains { $0.hasSuffix("metrics.jsonl") } && own.contains { $0.hasSuffix("hparams.yaml") })
        }
        let lines = try metrics(program)
        let steps = lines.filter { $0.values["train_loss_step"] != nil }
        #expect(steps.map(\.step) == Array(0..<6))
        for tag in ["train_loss", "train/mse_loss", "train/q_loss", "train/commit_loss", "train/code_usage"] {
            #expect(steps.allSatisfy { $0.values[tag + "_step"] != nil }, "\(tag)")
            #expect(lines.filter { $0.values[tag + "_epoch"] != nil }.map(\.step) == [2, 5], "\(tag)")
        }
        for tag in ["val_loss", "val/mse_loss", "val/q_loss", "val/commit_loss", "val/code_usage"] {
            // The run's end looks at the held-out episodes once more.
            #expect(lines.filter { $0.values[tag] != nil }.map(\.step) == [2, 5, 5], "\(tag)")
        }
        #expect(steps.map { $0.values["epoch"] } == [0, 0, 0, 1, 1, 1])
        #expect(steps.dropFirst().allSatisfy { ($0.values["throughput/samples_per_second"] ?? 0) > 0 })

        let transitions = "logs/tiny/version_0/code_transitions.png"
        #expect(files.contains(transitions))
        let sheets = files.filter { $0.hasSuffix(".png") && $0 != transitions }
        #expect(!sheets.isEmpty && sheets.allSatisfy { $0.hasPrefix("logs/tiny/version_0/contact_sheets/code_0") })
        for sheet in sheets {
            let image = try PNGImage(png: [UInt8](Data(contentsOf: program.folder.url(sheet))))
            // A title, at most eight columns of three frames of 32 pixels at 3:1 with 4 pixels between them, and a word below each.
            #expect(image.height == 16 + 3 * 100 + 16 && (200...8 * 100 + 100).contains(image.width))
        }
        #expect(!files.contains { $0.contains(".tmp-") })
    }

    @Test("LeRobot v2.0, v2.1, v3.0 and image datasets train together, with large patches and both augmentations")
    func mix() throws {
        let program = try LamProgram()
        let result = try program.fit(
            "--data.dataset_mix",
            "[[toto_push_lf_v20, 1.0], [toto_push_lf_v21, 1.0], [ego4d_push_v30, 2.0], [toto_push_images_v30, 1.0]]",
            "--model.lam_patch_size", "16", "--data.augment_pair", "independent", "--trainer.max_steps", "3")
        #expect(result.status == 0, "\(result.error)")
        for part in ["toto_push_lf_v20: 20 %", "ego4d_push_v30: 40 %", "window 2 frames at 30 fps"] {
            #expect(result.output.contains(part), "\(part): \(result.output)")
        }
    }

    @Test("the same configuration gives the same bits, another seed gives others")
    func seeds() throws {
        let states = try [["--seed_everything", "7"], ["--seed_everything", "7"], ["--seed_everything", "8"]].map {
            let program = try LamProgram()
            let result = try program.fit($0)
            #expect(result.status == 0, "\(result.error)")
            return TrainingState(try program.checkpoint())
        }
        #expect(states[0].differences(from: states[1]) == [])
        #expect(states[0].tensors != states[2].tensors)
    }

    @Test("what --print_config prints runs again, and prints itself")
    func printConfig() throws {
        let program = try LamProgram()
        let options = ["--model.lam_num_latents", "4", "--trainer.max_steps", "2"]
        for form in ["--print_config", "--print_config=skip_default"] {
            let printed = try program.fit(options + [form])
            #expect(printed.status == 0 && printed.error.isEmpty)
            _ = try program.folder.write(printed.output, to: "printed.yaml")
            let again = try program.run("fit", "--config", "printed.yaml", form)
            #expect(again.output == printed.output)
            #expect(program.files() == ["config.yaml", "printed.yaml"])
        }
        #expect(try program.run("fit", "--config", "printed.yaml").status == 0)
        let direct = try LamProgram()
        #expect(try direct.fit(options).status == 0)
        #expect(
            TrainingState(try program.checkpoint()).differences(from: TrainingState(try direct.checkpoint())) == [])
    }

    @Test("fast_dev_run trains and validates a batch and writes nothing")
    func fastDevRun() throws {
        let program = try LamProgram()
        let result = try program.fit("--trainer.fast_dev_run", "true", "--data.val_fraction", "0.2")
        #expect(result.status == 0, "\(result.error)")
        #expect(result.output.contains("1 steps in") || result.output.contains("1 step in"), "\(result.output)")
        #expect(program.files() == ["config.yaml"])
        #expect(result.output.contains(", 4 held-out pairs"), "one batch: \(result.output)")
    }

    @Test("epochs, accumulation and validation intervals give the steps that Lightning gives")
    func intervals() throws {
        let program = try LamProgram()
        let result = try program.fit(
            "--trainer.max_steps", "-1", "--trainer.max_epochs", "2", "--trainer.limit_train_batches", "5",
            "--trainer.accumulate_grad_batches", "2", "--data.val_fraction", "0.2", "--trainer.val_check_interval", "2",
            "--trainer.limit_val_batches", "1")
        #expect(result.status == 0, "\(result.error)")
        let lines = try metrics(program)
        // Two full groups and one of a single batch per epoch.
        #expect(lines.filter { $0.values["train_loss_step"] != nil }.map(\.step) == Array(0..<6))
        // After batches 2 and 4 of each epoch.
        #expect(lines.filter { $0.values["val_loss"] != nil }.map(\.step) == [0, 1, 3, 4, 5])
        #expect(try program.checkpoint().globalStep == 6)
    }

    @Test("every way of restarting codes and counting their use trains")
    func restarts() throws {
        for restart in ["encoder", "original", "none"] {
            for usage in ["occurrence", "original"] {
                let program = try LamProgram()
                let result = try program.fit(
                    "--model.restart", restart, "--model.usage", usage, "--trainer.limit_train_batches", "2")
                #expect(result.status == 0, "\(restart) \(usage): \(result.error)")
            }
        }
    }

    @Test("a run that is over already ends at once")
    func over() throws {
        let program = try LamProgram()
        #expect(try program.fit().status == 0)
        let before = TrainingState(try program.checkpoint())
        let files = program.files()
        let result = try program.fit("--ckpt_path", "last")
        #expect(result.status == 0, "\(result.error)")
        #expect(
            result.error.contains("nothing to do: checkpoints/last.ckpt: it is of step 4, and trainer.max_steps is 4"))
        #expect(result.output.isEmpty && program.files() == files, "\(result.output)")
        #expect(TrainingState(try program.checkpoint()).differences(from: before) == [])
    }
}
