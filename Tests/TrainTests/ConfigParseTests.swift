import Configuration
import LAMData
import LAM
import LAMTrain
import TestSupport
import Testing

@Suite("Configuration parsing")
struct ConfigParseTests {
    private func parse(_ yaml: String, _ arguments: String...) throws -> ParsedFit {
        let folder = try TemporaryFolder()
        return try FitArguments.parse(arguments: ["--config", folder.write(yaml)] + arguments)
    }

    /// The message with the temporary folder's name taken out.
    private func message(_ yaml: String, _ arguments: String...) throws -> String {
        let folder = try TemporaryFolder()
        let path = try folder.write(yaml)
        do {
            _ = try FitArguments.parse(arguments: ["--config", path] + arguments)
            return "no error"
        } catch {
            return "\(error)".replacing(path, with: "c.yaml")
        }
    }

    @Test("the original's file gives the original's values")
    func original() throws {
        let fit = try parse(ConfigFixtures.original)
        let (model, data, trainer) = (fit.configuration.model, fit.configuration.data.stream, fit.configuration.trainer)
        #expect(model.modelDim == 768 && model.latentDim == 128 && model.numLatents == 16 && model.patchSize == 16)
        #expect(model.encoderBlocks == 12 && model.decoderBlocks == 12 && model.numHeads == 12)
        #expect(model.optimizer.lr == 1e-4 && model.optimizer.weightDecay == 1e-2 && model.vqBeta == 0.25)
        #expect(model.stage == .stage1 && model.taskName == "lam_training")
        #expect(model.visionEncoder == .dinov3ViTB16)
        #expect(data.root == "/data/datasets" && data.datasetMix == [StreamOptions.MixEntry("droid", 1)])
        #expect(data.batchSize == 64 && data.resolution == 224 && data.imageAug && data.bufferSize == 1000)
        #expect(trainer.maxEpochs == 20 && trainer.gradientClipVal == 0.1 && trainer.logEveryNSteps == 1000)
        let checkpoint = try #require(trainer.checkpoints.first)
        #expect(checkpoint.dirpath == "./logs/lam_training" && checkpoint.everyNTrainSteps == 20_000)
        #expect(checkpoint.saveLast == .yes && checkpoint.saveTopK == -1 && checkpoint.verbose)
        #expect(
            trainer.logger.tensorBoards.first?.saveDir == "./logs"
                && trainer.logger.tensorBoards.first?.name == "lam_training")
        #expect(fit.configuration.seedEverything == .fixed(42))
    }

    @Test("each option of the original without effect gets one line")
    func notices() throws {
        let lines = try parse(ConfigFixtures.original).notices.map(\.description)
        #expect(
            lines == [
                "trainer.precision: 16-mixed: runs as bf16-mixed: CPUs have bf16 products, and bf16 needs no loss scaling",
                "model.log_interval: 5000: never read, as in the original; "
                    + "see trainer.log_every_n_steps and trainer.logger",
                "model.log_path: ./logs: never read, as in the original; "
                    + "see trainer.log_every_n_steps and trainer.logger",
            ])
    }

    @Test("UniVLA's files are read under their own names, and say at the start of a run what is missing")
    func univla() throws {
        for (yaml, stage) in [
            (ConfigFixtures.univlaStage1, TrainingStage.stage1), (ConfigFixtures.univlaStage2, .stage2),
        ] {
            let fit = try parse(yaml)
            #expect(fit.configuration.data.stream.root == "/path/to/your/rlds_data_collection")
            #expect(fit.configuration.data.stream.bufferSize == 45_000)
            #expect(fit.configuration.data.dataMix == "omni_magic_soup_plus_plus")
            #expect(fit.configuration.model.stage == stage)
            #expect(fit.configuration.model.visionEncoder == .dinov2ViTB14)
            #expect(fit.notices.contains { $0.path == "data.num_frames" && $0.value == "16" })
            #expect(!fit.notices.contains { $0.path == "data.episodic" })
            var runnable = fit.configuration
            runnable.model.visionEncoder = .pixels
            runnable.model.textEncoder = .none
            let error = #expect(throws: ConfigurationError.self) {
                try runnable.requireRunnable { fit.context.location(of: $0) }
            }
            #expect("\(try #require(error))".contains("RLDS mixtures (omni_magic_soup_plus_plus) cannot be read"))
        }
        #expect(
            try parse(ConfigFixtures.univlaStage2).configuration.model.stageOneCheckpoint
                == "./logs/task_centric_lam_stage1/epoch=0-step=100000.ckpt")
    }

    @Test("a UniVLA stage-1 file trains with T5, other files only where they say so")
    func textEncoder() throws {
        let univla = try parse(ConfigFixtures.univlaStage1)
        #expect(univla.configuration.model.textEncoder == .t5Base)
        #expect(
            univla.notices.filter { $0.path == "model.text_encoder" }.map(\.description) == [
                "model.text_encoder: t5-base: the default of UniVLA's stage-1 files; "
                    + "set none to train without instructions"
            ])
        let refused = #expect(throws: ConfigurationError.self) {
            try univla.configuration.requireRunnable()
        }
        #expect("\(try #require(refused))".contains("`data.data_mix`"))
        // What is printed reads back without the rule.
        let folder = try TemporaryFolder()
        let printed = try FitArguments.parse(
            arguments: ["--config", folder.write(univla.configuration.yaml())])
        #expect(printed.configuration == univla.configuration)
        #expect(!printed.notices.contains { $0.path.hasPrefix("model.text") })

        let without = try parse(ConfigFixtures.univlaStage1, "--model.text_encoder", "none")
        #expect(without.configuration.model.textEncoder == .none)
        #expect(!without.notices.contains { $0.path == "model.text_encoder" })
        for yaml in [
            ConfigFixtures.univlaStage2, ConfigFixtures.original, "model: {lam_patch_size: 14}\n",
            "data: {data_mix: bridge}\n",
        ] {
            #expect(try parse(yaml).configuration.model.textEncoder == .none)
        }
        let own = try parse(
            "model: {text_encoder: t5-base, text_encoder_weights: ./t5-base, text_mask: original}\n")
        #expect(own.configuration.model.textEncoder == .t5Base && own.configuration.model.textMask == .original)
        #expect(own.configuration.model.textEncoderWeights == "./t5-base" && own.notices == [])
        #expect(
            try parse("model: {text_encoder_weights: ./t5-base, text_mask: original}\n").notices.map(\.description) == [
                "model.text_encoder_weights: ./t5-base: no effect with text_encoder none",
                "model.text_mask: original: no effect with text_encoder none",
            ])
        #expect(
            try parse("model: {stage_one_ckpt: a.ckpt}\n").notices.map(\.description)
                == ["model.stage_one_ckpt: a.ckpt: no effect in stage-1"])
    }

    @Test("the files that come with the project parse without a notice")
    func ownFiles() throws {
        for name in ["lam.yaml", "quickstart.yaml"] {
            let path = Goldens.repository.appendingPathComponent("config/\(name)").path
            #expect(try FitArguments.parse(arguments: ["--config", path]).notices == [])
        }
        let path = Goldens.repository.appendingPathComponent("config/quickstart.yaml").path
        try FitArguments.parse(arguments: ["--config", path]).configuration.requireRunnable()
    }

    @Test("an unknown key names its place and the nearest key")
    func unknownKeys() throws {
        #expect(
            try message("model:\n  stage: stage-1\n  lam_modl_dim: 3\n")
                == "unknown key `model.lam_modl_dim` at c.yaml:3:3; did you mean `lam_model_dim`?")
        #expect(try message("modle: {}\n") == "unknown key `modle` at c.yaml:1:1; did you mean `model`?")
        #expect(try message("model: {zzzzzz: 1}\n") == "unknown key `model.zzzzzz` at c.yaml:1:9")
        #expect(try message("\"\\e[31m\\n\": 1").hasPrefix("unknown key `\u{FFFD}[31m\u{FFFD}` at c.yaml:1:1"))
        #expect(
            try message("", "--trainer.max_step", "1")
                == "unknown key `trainer.max_step` at --trainer.max_step; did you mean `max_steps`?")
        #expect(
            try message("model:\n  optimizer:\n    class_path: torch.optim.AdamW\n    init_args: {wieght_decay: 0}\n")
                == "unknown key `model.optimizer.init_args.wieght_decay` at c.yaml:4:17; did you mean `weight_decay`?")
    }

    @Test(
        "values out of range or of the wrong type name what is expected and what was found",
        arguments: [
            (
                "model: {lam_model_dim: 0}",
                "`model.lam_model_dim` at c.yaml:1:24: expected an integer from 1 to 65536, got 0"
            ),
            ("model: {lam_model_dim: wide}", "`model.lam_model_dim` at c.yaml:1:24: expected an integer, got wide"),
            ("model: {lam_model_dim: 1.5}", "expected an integer, got 1.5"),
            ("model: {vq_beta: .nan}", "expected a finite number, got .nan"),
            ("model: {vq_beta: -1}", "expected a number of 0 or more, got -1"),
            ("model: {lam_dropout: 0.1}", "expected 0.0, as this build has no dropout, got 0.1"),
            ("model: {stage: stage-3}", "expected stage-1 or stage-2, got stage-3"),
            ("model: {text_encoder: t5}", "expected none or t5-base, got t5"),
            ("model: {text_mask: tiled}", "expected aligned or original, got tiled"),
            (
                "model: {vision_encoder: vit}",
                "expected pixels or dinov3-vits16 or dinov3-vitb16 or dinov3-vitl16 or dinov2-vits14-reg or dinov2-vitb14-reg or dinov2-vitl14-reg, got vit"
            ),
            ("model: 3", "`model` at c.yaml:1:8: expected a mapping of options, got 3"),
            ("model: {optimizer: {class_path: torch.optim.SGD}}", "expected torch.optim.AdamW, got torch.optim.SGD"),
            (
                "model: {optimizer: {init_args: {no_decay: [bias, nrom]}}}",
                "`model.optimizer.init_args.no_decay[1]` at c.yaml:1:50: expected bias or norm or embedding, got nrom"
            ),
            ("model: {optimizer: {no_decay: bias}}", "expected a list, got bias"),
            ("data: {batch_size: 99999999999999999999}", "expected an integer, got 1.0e+20"),
            ("data: {dataset_mix: [droid]}", "`data.dataset_mix[0]` at c.yaml:1:22: expected a pair [repo_id, weight]"),
            ("data: {dataset_mix: [[droid, 0]]}", "expected a weight above 0, got 0"),
            ("data: {window: 1}", "expected auto, original, or an integer from 2 to 1000000, got 1"),
            ("data: {val_fraction: 1.0}", "expected a number from 0 up to but not 1, got 1.0"),
            ("data: {image_aug: 1}", "expected true or false, got 1"),
            ("trainer: {limit_train_batches: 1.5}", "share of an epoch), got 1.5"),
            ("trainer: {precision: 8}", "got 8"),
            ("trainer: {precision: bf16-true}", "expected bf16-mixed, which keeps the weights in f32, got bf16-true"),
            ("trainer: {precision: 64-true}", "expected 32-true, got 64-true"),
            ("trainer: {accelerator: npu}", "expected auto, cpu, gpu, cuda, mps, tpu, hpu or pjrt-cpu, got npu"),
            ("trainer: {max_time: 12}", "expected a span of time as DD:HH:MM:SS, got 12"),
            ("trainer: {callbacks: [{class_path: my.Own}]}", "got my.Own"),
            ("trainer: {logger: [{class_path: my.Own}]}", "got my.Own"),
            ("seed_everything: -1", "`seed_everything` at c.yaml:1:18: expected integer from 0 to 4294967295"),
            ("[1]", "expected a mapping with the keys model, data and trainer, got [1]"),
        ])
    func invalidValues(yaml: String, expected: String) throws {
        let text = try message(yaml)
        #expect(text.contains(expected), "\(text)")
    }

    @Test("options that do not fit each other are refused at the place of the second")
    func conflicts() throws {
        #expect(
            try message("model:\n  lam_model_dim: 100\n")
                == "settings do not fit: `model.lam_model_dim` at c.yaml:2:18: "
                + "100 is no multiple of lam_num_heads (8); change one of them")
        #expect(try message("data: {resolution: 100}").contains("`data.resolution` at c.yaml:1:20: 100 is no multiple"))
        #expect(
            try message("model: {lam_patch_size: 8, vision_encoder: dinov3-vitb16}")
                .contains("dinov3-vitb16 has patches of 16, got 8"))
        #expect(
            try message("trainer: {callbacks: [{class_path: ModelCheckpoint, init_args: {save_top_k: 3}}]}")
                .contains("keeping the best 3 needs a value to rank by"))
        #expect(
            try message("trainer: {enable_checkpointing: false, callbacks: [{class_path: ModelCheckpoint}]}")
                .contains("`trainer.enable_checkpointing` at c.yaml:1:33: false, but trainer.callbacks has"))
        #expect(
            try message("model: {stage: stage-2, text_encoder: t5-base}")
                .contains("`model.text_encoder` at c.yaml:1:39: t5-base, but stage-2 reads no instructions"))
        #expect(try message("data: {root: a, data_root: b}").contains("duplicate key `root`"))
    }

    @Test("every option of Lightning's Trainer is known")
    func trainerOptions() throws {
        // The parameters of Trainer.__init__ in Lightning 2.5.
        let keys = [
            "accelerator", "strategy", "devices", "num_nodes", "precision", "logger", "callbacks", "fast_dev_run",
            "max_epochs", "min_epochs", "max_steps", "min_steps", "max_time", "limit_train_batches",
            "limit_val_batches",
            "limit_test_batches", "limit_predict_batches", "overfit_batches", "val_check_interval",
            "check_val_every_n_epoch", "num_sanity_val_steps", "log_every_n_steps", "enable_checkpointing",
            "enable_progress_bar", "enable_model_summary", "accumulate_grad_batches", "gradient_clip_val",
            "gradient_clip_algorithm", "deterministic", "benchmark", "inference_mode", "use_distributed_sampler",
            "profiler", "detect_anomaly", "barebones", "plugins", "sync_batchnorm",
            "reload_dataloaders_every_n_epochs", "default_root_dir",
        ]
        for key in keys {
            let text = try message("trainer:\n  \(key): {}\n")
            #expect(!text.contains("unknown key `trainer.\(key)`"), "\(text)")
        }
        #expect(
            try parse("trainer: {profiler: simple, sync_batchnorm: false}").notices.map(\.description)
                == ["trainer.profiler: simple: no profiler in this build; see `lam bench`"])
    }

    @Test("callbacks and loggers without counterpart are left out with one line each")
    func foreignObjects() throws {
        let fit = try parse(
            """
            trainer:
              callbacks:
                - class_path: lightning.pytorch.callbacks.RichProgressBar
                - class_path: pytorch_lightning.callbacks.ModelCheckpoint
                  init_args: {train_time_interval: 5, save_last: true}
                - class_path: LearningRateMonitor
                  init_args: {logging_interval: step}
              logger:
                - class_path: lightning.pytorch.loggers.CometLogger
                  init_args: {project: lam}
                - class_path: lightning.pytorch.loggers.neptune.NeptuneLogger
            """)
        #expect(fit.notices.count == 4)
        #expect(fit.notices[0].path == "trainer.callbacks[0]")
        #expect(fit.notices[1].path == "trainer.callbacks[1].init_args.train_time_interval")
        #expect(fit.configuration.trainer.callbacks.callbacks.count == 2)
        #expect(fit.configuration.trainer.logger.tensorBoards == [TensorBoardLoggerConfiguration()])
        #expect(try parse("trainer: {logger: false}").configuration.trainer.logger.tensorBoards == [])
    }

    @Test("a file that is missing, a folder or too large is named")
    func unreadableFiles() throws {
        let missing = #expect(throws: ConfigurationError.self) {
            try FitArguments.parse(arguments: ["--config", "/nowhere/c.yaml"])
        }
        #expect(
            "\(try #require(missing))" == "cannot read the configuration: /nowhere/c.yaml: No such file or directory")
        #expect(throws: ConfigurationError.self) { try FitArguments.parse(arguments: ["--config", "/tmp"]) }
        #expect(throws: ConfigurationError.fileTooLarge(path: "/dev/zero", limitBytes: 1 << 20)) {
            try FitArguments.parse(arguments: ["--config", "/dev/zero"])
        }
    }
}
