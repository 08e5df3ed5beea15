import Configuration
import Foundation
import LAM
import LAMTrain
import TestSupport
import Testing

@Suite("Configuration printing")
struct ConfigPrintTests {
    private func reparse(_ yaml: String) throws -> LAMConfiguration {
        let folder = try TemporaryFolder()
        return try FitArguments.parse(arguments: ["--config", folder.write(yaml)]).configuration
    }

    @Test(
        "the printed configuration reads back to the same one, with and without the defaults",
        arguments: [
            "", ConfigFixtures.original, ConfigFixtures.univlaStage1, ConfigFixtures.univlaStage2,
            """
            seed_everything: true
            ckpt_path: last
            model:
              lr_scheduler: {schedule: cosine, warmup_steps: 10, decay_steps: 100, min_lr: 1e-6}
              optimizer: {class_path: torch.optim.AdamW, init_args: {betas: [0.9, 0.95], eps: 1e-7, no_decay: [norm, bias]}}
              lam_patch_size: 14
              vision_encoder: pixels
              task_name: "2026"
            data: {window: 5, pad_at_end: clamp, crop: original, image_keys: {droid: observation.image, a: wrist}}
            trainer:
              max_time: {days: 1, hours: 30}
              devices: "0,1"
              precision: bf16
              limit_train_batches: 100
              limit_val_batches: 0.5
              fast_dev_run: 3
              check_val_every_n_epoch: null
              logger: false
              callbacks:
                - class_path: LearningRateMonitor
                - class_path: EMAWeightAveraging
                  init_args: {decay: 0.99, update_starting_at_epoch: 2}
            """,
        ])
    func roundTrip(yaml: String) throws {
        let configuration = try reparse(yaml)
        #expect(try reparse(configuration.yaml()) == configuration)
        #expect(try reparse(configuration.yaml(skippingDefaults: true)) == configuration)
    }

    @Test(
        "the configurations of this repository resolve without notes, to the encoders that they are for",
        arguments: [
            ("quickstart", VisionEncoderChoice.pixels, TextEncoder.none, TrainingStage.stage1),
            ("lam", .dinov3ViTB16, .none, .stage1), ("lawam", .dinov3ViTB16, .none, .stage1),
            ("lawam-large", .dinov3ViTB16, .none, .stage1), ("univla-stage-1", .dinov2ViTB14, .t5Base, .stage1),
            ("univla-stage-2", .dinov2ViTB14, .none, .stage2),
        ])
    func repositoryFiles(name: String, vision: VisionEncoderChoice, text: TextEncoder, stage: TrainingStage) throws {
        let path = Goldens.repository.appendingPathComponent("config/\(name).yaml").path
        let fit = try FitArguments.parse(arguments: ["--config", path])
        let configuration = fit.configuration
        #expect(fit.notices.isEmpty, "\(fit.notices)")
        #expect(try reparse(configuration.yaml()) == configuration)
        let model = configuration.model
        #expect(model.visionEncoder == vision && model.textEncoder == text && model.stage == stage)
        try configuration.requireRunnable()
    }

    @Test("without the defaults only what was changed is printed")
    func skipDefault() throws {
        let configuration = try reparse("model: {vq_beta: 0.5}\ntrainer: {max_steps: 10}\n")
        #expect(
            configuration.yaml(skippingDefaults: true) == "model:\n  vq_beta: 0.5\ntrainer:\n  max_steps: 10\n")
        #expect(LAMConfiguration().yaml(skippingDefaults: true) == "{}\n")
    }

    @Test("hyper-parameters carry the original's constructor names")
    func hyperParameters() throws {
        let configuration = try reparse(ConfigFixtures.original)
        let model = configuration.model.hyperParameters
        #expect(model["lam_model_dim"] == .int(768))
        #expect(model["stage"] == .string("stage-1"))
        #expect(model["stage_one_ckpt"] == .null)
        #expect(model["optimizer"]?["init_args"]?["lr"] == .double(1e-4))
        let data = configuration.data.hyperParameters
        #expect(data["dataset_mix"] == .list([.list([.string("droid"), .double(1)])]))
    }

    /// Set LAM_WRITE_DOCS=1 to write the tables into the page instead.
    @Test("docs/configuration.md lists every option as the schema has it")
    func documentation() throws {
        let page = Goldens.repository.appendingPathComponent("docs/configuration.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let marker = "## All options\n\n"
        let head = try #require(text.firstRange(of: marker))
        let expected = text[..<head.upperBound] + ConfigurationReference.markdown()
        if ProcessInfo.processInfo.environment["LAM_WRITE_DOCS"] != nil {
            try expected.write(to: page, atomically: true, encoding: .utf8)
        } else {
            #expect(text == expected, "run this test with LAM_WRITE_DOCS=1 to renew the page")
        }
    }

    @Test("every option has its line in the help")
    func help() {
        let help = ConfigurationReference.helpText()
        for key in ["--model.lam_model_dim", "--model.optimizer.init_args.lr", "--data.dataset_mix", "--ckpt_path"] {
            #expect(help.contains(key))
        }
    }
}
