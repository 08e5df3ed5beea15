import Configuration
import LAMTrain
import TestSupport
import Testing

/// Configurations as LightningCLI saves and as its users write them.
@Suite("Lightning's configuration files")
struct LightningFilesTests {
    private func parse(_ yaml: String, _ arguments: String...) throws -> ParsedFit {
        let folder = try TemporaryFolder()
        return try FitArguments.parse(arguments: ["--config", folder.write(yaml)] + arguments)
    }

    private func message(_ yaml: String) throws -> String {
        let folder = try TemporaryFolder()
        let path = try folder.write(yaml)
        do {
            _ = try FitArguments.parse(arguments: ["--config", path])
            return "no error"
        } catch {
            return "\(error)".replacing(path, with: "c.yaml")
        }
    }

    private func parseCase(_ name: String) throws -> ParsedFit {
        try FitArguments.parse(arguments: ["--config", Goldens.url("cases/\(name).yaml").path])
    }

    @Test("the file that LightningCLI saves with a run parses with all its nulls, to the same run, without a notice")
    func savedConfiguration() throws {
        let saved = try parseCase("05-lightning-saved-config/lightning_saved_config")
        let written = try parseCase("05-lightning-saved-config/lightning_in")
        #expect(saved.configuration.trainer.logger == written.configuration.trainer.logger)
        #expect(saved.configuration.trainer.checkpoints == written.configuration.trainer.checkpoints)
        var trainer = saved.configuration.trainer
        trainer.accelerator = written.configuration.trainer.accelerator
        #expect(trainer == written.configuration.trainer)
        #expect(saved.configuration.data == written.configuration.data)
        #expect(saved.configuration.model == written.configuration.model)
        // These two have no effect, which is said of every file that has them.
        #expect(saved.notices.map(\.path) == ["model.log_interval", "model.log_path"])
        try saved.configuration.requireRunnable()
    }

    @Test("files cut down to their nulls parse", arguments: ["callbacks_null", "null_log", "saved"])
    func nulls(name: String) throws {
        let fit = try parseCase("05-lightning-saved-config/\(name)")
        #expect(fit.notices == [])
        try fit.configuration.requireRunnable()
    }

    @Test("null means the default in every option of Lightning's objects and of AdamW")
    func nullMeansDefault() throws {
        let defaults = TrainerConfiguration()
        for option in TrainerConfiguration.nestedOptions where !option.path.contains(".") {
            let trainer = try parse("trainer: {\(option.path): null}").configuration.trainer
            // Epochs between validations may be absent, which is another thing than the default.
            if option.path == "check_val_every_n_epoch" {
                #expect(trainer.checkValEveryNEpoch == nil)
            } else {
                #expect(trainer == defaults, "\(option.path)")
            }
        }
        func object(_ class: String, _ options: [OptionDocumentation]) -> String {
            let arguments = options.map { $0.path.replacing("init_args.", with: "") + ": null" }
            return "{class_path: \(`class`), init_args: {\(arguments.joined(separator: ", "))}}"
        }
        let checkpoint = object(ModelCheckpointConfiguration.classPath, ModelCheckpointConfiguration.nestedOptions)
        let fit = try parse(
            """
            model: {optimizer: \(object("torch.optim.AdamW", AdamWConfiguration.nestedOptions))}
            trainer:
              callbacks:
                - \(checkpoint)
                - \(object("EMAWeightAveraging", EMAWeightAveragingConfiguration.nestedOptions))
                - \(object("LearningRateMonitor", LearningRateMonitorConfiguration.nestedOptions))
                - \(object("Timer", TimerConfiguration.nestedOptions))
              logger: \(object("TensorBoardLogger", TensorBoardLoggerConfiguration.nestedOptions))
            """)
        #expect(fit.notices == [])
        #expect(fit.configuration.model.optimizer == AdamWConfiguration())
        #expect(fit.configuration.trainer.callbacks.checkpoints == [ModelCheckpointConfiguration()])
        #expect(fit.configuration.trainer.callbacks.weightAveraging == EMAWeightAveragingConfiguration())
        var logger = TensorBoardLoggerConfiguration()
        logger.name = nil
        #expect(fit.configuration.trainer.logger.tensorBoards == [logger])
    }

    @Test("a null in the options of the model or the data is taken for the default, with a notice")
    func forgottenValues() throws {
        let fit = try parse("model: {vq_beta: }\ndata: {batch_size: null, image_keys: null, dataset_mix: null}\n")
        #expect(
            fit.notices.map(\.description) == [
                "model.vq_beta: null: the default, 0.25", "data.batch_size: null: the default, 64",
            ])
        #expect(fit.configuration == LAMConfiguration())
    }

    @Test("options that Lightning 1.x saved are known")
    func olderFiles() throws {
        let fit = try parse(
            """
            trainer:
              logger: true
              enable_checkpointing: true
              callbacks: null
              gpus: null
              tpu_cores: null
              ipus: null
              num_processes: null
              auto_select_gpus: false
              track_grad_norm: -1
              accumulate_grad_batches: null
              auto_lr_find: false
              auto_scale_batch_size: false
              resume_from_checkpoint: null
              replace_sampler_ddp: true
              amp_backend: native
              amp_level: null
              move_metrics_to_cpu: false
              multiple_trainloader_mode: max_size_cycle
              plugins: null
            """)
        #expect(fit.notices.map(\.path) == ["trainer.multiple_trainloader_mode"])
        #expect(fit.configuration == LAMConfiguration())
        #expect(
            try message("trainer: {resume_from_checkpoint: a.ckpt}")
                == "not in this build: `trainer.resume_from_checkpoint` at c.yaml:1:35: a.ckpt; set ckpt_path")
    }

    @Test(
        "what would change the result is refused, with the remedy",
        arguments: [
            (
                "optimizer: {class_path: torch.optim.AdamW, init_args: {lr: 1e-3}}",
                "`optimizer` at c.yaml:1:12: {class_path: torch.optim.AdamW, init_args: {lr: 0.001}}; put it under model.optimizer"
            ),
            ("lr_scheduler: {class_path: a.B}", "put it under model.lr_scheduler"),
            ("model: {optimizer: {amsgrad: true}}", "true; set false: there is no AMSGrad"),
            ("model: {optimizer: {maximize: true}}", "true; set false"),
            ("trainer: {overfit_batches: 10}", "10; set limit_train_batches"),
            (
                "trainer: {callbacks: [{class_path: lightning.pytorch.callbacks.StochasticWeightAveraging}]}",
                "`trainer.callbacks[0]` at c.yaml:1:36: lightning.pytorch.callbacks.StochasticWeightAveraging; "
                    + "use lightning.pytorch.callbacks.EMAWeightAveraging"
            ),
            ("trainer: {callbacks: [{class_path: LearningRateFinder}]}", "set model.optimizer.lr"),
            (
                "trainer: {callbacks: [{class_path: GradientAccumulationScheduler, init_args: {scheduling: {4: 8}}}]}",
                "numbers that change between epochs; set trainer.accumulate_grad_batches"
            ),
            (
                "trainer: {accumulate_grad_batches: 2, callbacks: "
                    + "[{class_path: GradientAccumulationScheduler, init_args: {scheduling: {0: 2}}}]}",
                "2, and a GradientAccumulationScheduler; keep one of them"
            ),
        ])
    func refusals(yaml: String, expected: String) throws {
        let text = try message(yaml)
        #expect(text.contains(expected), "\(text)")
    }

    @Test("a strategy may be an object, which counts as its name")
    func strategyObjects() throws {
        let fit = try parseCase("12-strategy-object/strat_dict")
        #expect(fit.configuration.trainer.strategy.name == "ddp" && fit.notices == [])
        for (yaml, name) in [
            ("lightning.pytorch.strategies.ddp.DDPStrategy", "ddp"), ("DDPStrategy", "ddp"),
            (
                "{class_path: pytorch_lightning.strategies.SingleDeviceStrategy, init_args: {device: cpu}}",
                "single_device"
            ),
            ("{class_path: DDPStrategy, init_args: null}", "ddp"),
            ("{class_path: DDPStrategy, dict_kwargs: {static_graph: true}}", "ddp"),
            ("ddp_find_unused_parameters_false", "ddp_find_unused_parameters_false"), ("null", "auto"),
        ] where yaml.hasPrefix("{") || !yaml.contains("lightning.") {
            let fit = try parse("trainer: {strategy: \(yaml)}")
            #expect(fit.configuration.trainer.strategy.name == name && fit.notices == [], "\(yaml)")
        }
        #expect(
            try parse(
                "trainer: {strategy: {class_path: lightning.pytorch.strategies.fsdp.FSDPStrategy, init_args: {cpu_offload: true}}}"
            ).notices.map(\.description) == [
                "trainer.strategy.init_args.cpu_offload: true: no effect",
                "trainer.strategy: fsdp: runs as ddp: each process has all parameters; "
                    + "ddp_sharded splits the optimiser's state",
            ])
        #expect(
            try parse("trainer: {strategy: {class_path: DDPStrategy, init_args: {bucket_cap_mb: 50}}}")
                .notices.map(\.description) == [
                    "trainer.strategy.init_args.bucket_cap_mb: 50: no effect; see trainer.gradient_bucket_mib"
                ])
    }

    @Test("a list of strategies and an unknown class are refused by name")
    func wrongStrategies() throws {
        let error = #expect(throws: ConfigurationError.self) { try parseCase("12-strategy-object/strat_list") }
        #expect(
            "\(try #require(error))".contains("expected a name such as ddp, or an object with class_path and init_args")
        )
        #expect(try message("trainer: {strategy: {class_path: my.Strategy}}").contains("got my.Strategy"))
        #expect(try message("trainer: {strategy: {init_args: {}}}").contains("got null"))
    }

    @Test("accelerators may be objects, too")
    func acceleratorObjects() throws {
        let yaml = "trainer: {accelerator: {class_path: lightning.pytorch.accelerators.CUDAAccelerator}}"
        let fit = try parse(yaml)
        #expect(fit.configuration.trainer.accelerator == .cuda)
        #expect(fit.notices.isEmpty)
        let other = try parse("trainer: {accelerator: {class_path: lightning.pytorch.accelerators.MPSAccelerator}}")
        #expect(other.notices.map(\.path) == ["trainer.accelerator"])
        #expect(try message("trainer: {accelerator: {class_path: my.Chip}}").contains("got my.Chip"))
    }

    @Test("the callbacks of a real run are read: links, accumulation, and what is left out is named")
    func callbacks() throws {
        let fit = try parseCase("12-strategy-object/callbacks_many")
        let trainer = fit.configuration.trainer
        #expect(trainer.checkpoints.first?.saveLast == .link && trainer.checkpoints.first?.savesLast == true)
        #expect(trainer.accumulateGradBatches == 2 && trainer.callbacks.callbacks.count == 1)
        #expect(
            fit.notices.map(\.path) == [
                "trainer.callbacks[0]", "trainer.callbacks[1].init_args.save_on_exception", "trainer.callbacks[2]",
            ])
        // What is printed reads back to the same run.
        #expect(try parse(fit.configuration.yaml()).configuration == fit.configuration)
        for (yaml, last) in [("true", SaveLast.yes), ("false", .no), ("link", .link)] {
            let list = "trainer: {callbacks: [{class_path: ModelCheckpoint, init_args: {save_last: \(yaml)}}]}"
            let read = try parse(list).configuration
            #expect(read.trainer.checkpoints.first?.saveLast == last)
            #expect(try parse(read.yaml()).configuration == read)
        }
        #expect(
            try message("trainer: {callbacks: [{class_path: ModelCheckpoint, init_args: {save_last: copy}}]}")
                .contains("expected true, false or link, got copy"))
    }

    @Test("a Timer is max_time, and the shorter of both counts")
    func timer() throws {
        func limit(_ trainer: String) throws -> Int? {
            try parse("trainer: {callbacks: [{class_path: Timer, init_args: {duration: {hours: 2}}}]\(trainer)}")
                .configuration.trainer.maxTime?.seconds
        }
        #expect(try limit("") == 7200)
        #expect(try limit(", max_time: '00:01:00:00'") == 3600)
        #expect(try limit(", max_time: '00:03:00:00'") == 7200)
    }

    @Test("cameras and rates may be written as a list of pairs")
    func pairs() throws {
        let pairs = try parse("data: {image_keys: [[a, b], [c, d]], fps: [[x, 15]]}").configuration.data.stream
        #expect(pairs == (try parse("data: {image_keys: {a: b, c: d}, fps: {x: 15}}").configuration.data.stream))
        #expect(try message("data: {image_keys: [a]}").contains("`data.image_keys[0]` at c.yaml:1:21: expected a pair"))
        #expect(try message("data: {image_keys: arm}").contains("or a list of such pairs, got arm"))
    }
}
