extension TrainerConfiguration: IgnoresOptions, TakesNullForDefault {
    public static let options: [ConfigOption<TrainerConfiguration>] = [
        .init(
            "max_epochs", \.maxEpochs,
            .ifPresent(.limit),
            "Epochs to train; -1: without end; null: 1000 where `max_steps` sets no end.",
            differs:
                "An epoch is the mix's frames over the global batch, or `limit_train_batches`; there it never ends."
        ),
        .init(
            "max_steps", \.maxSteps, .limit,
            "Optimiser steps to train; -1: no limit."),
        .init("max_time", \.maxTime, "Time after which the run saves a checkpoint and ends."),
        .init(
            "accelerator", \.accelerator,
            "Kind of device, through a PJRT plugin for all but `cpu`; `auto`: an accelerator with a plugin, or the CPU.",
            differs: "`mps` and `hpu` train on the CPU; `pjrt-cpu` is new, for tests."),
        .init("num_nodes", \.numNodes, .from(1, to: 1_000_000), "Machines, for `train.sh`."),
        .init(
            "devices", \.devices,
            "Accelerators of a machine, which one process drives, `auto`: all; of CPUs, processes that `train.sh` starts with "
                + "mpirun, `auto`: one.",
            differs: "Processes are started by MPI, not by the program itself."),
        .init(
            "strategy", \.strategy,
            "How processes share the work: `ddp`, or `ddp_sharded`, where each keeps a part of the optimiser's state.",
            differs: "Other names run as `ddp`; the original sets none."),
        .init(
            "precision", \.precision, "Type of the arithmetic; `tf32` on NVIDIA's GPUs alone.",
            differs: "`tf32` is new; `16-mixed` runs as `bf16-mixed`; `bf16-true`, `16-true` and `64-true` are refused."
        ),
        .init("log_every_n_steps", \.logEveryNSteps, .positive, "Steps between logged values."),
        .init(
            "health_every_n_steps", \.healthEveryNSteps, .nonNegative,
            "Steps between lines that say how the run goes, with warnings and remedies; 0: none.", differs: "New."),
        .init("gradient_clip_val", \.gradientClipVal, .ifPresent(.nonNegative), "Bound of gradients; null or 0: none."),
        .init("gradient_clip_algorithm", \.gradientClipAlgorithm, "Whether the total norm or each value is bounded."),
        .init(
            "accumulate_grad_batches", \.accumulateGradBatches, .from(1, to: 1_000_000), "Batches per optimiser step."),
        .init("limit_train_batches", \.limitTrainBatches, "Batches per training epoch."),
        .init("limit_val_batches", \.limitValBatches, "Batches per validation, spread evenly over the episodes."),
        .init("limit_test_batches", \.limitTestBatches, "Batches of `lam test`, spread evenly over the episodes."),
        .init("val_check_interval", \.valCheckInterval, "Batches between validations."),
        .init(
            "check_val_every_n_epoch", \.checkValEveryNEpoch, .ifPresent(.positive),
            "Epochs between validations; null: count batches over epochs."),
        .init(
            "num_sanity_val_steps", \.numSanityValSteps,
            .limit,
            "Validation batches before training, as a trial; -1: all."),
        .init(
            "enable_progress_bar", \.enableProgressBar,
            "Progress, live on a terminal; warnings and validations are told without it, too."),
        .init("enable_checkpointing", \.enableCheckpointing, "Whether checkpoints are written."),
        .init("fast_dev_run", \.fastDevRun, "A trial of a few batches that writes nothing."),
        .init(
            "callbacks", \.callbacks,
            "`ModelCheckpoint`, `LearningRateMonitor`, `EarlyStopping`, `EMAWeightAveraging`, `Timer` and "
                + "`GradientAccumulationScheduler` objects."),
        .init(
            "logger", \.logger,
            "`TensorBoardLogger`, `CSVLogger`, `WandbLogger`, `MLFlowLogger` and `TrackioLogger` objects; false: none.",
            differs:
                "Each also writes `metrics.jsonl` into its run's folder; `WandbLogger` and `MLFlowLogger` write files only, "
                + "`TrackioLogger` is new."),
        .path(
            "default_root_dir", \.defaultRootDir,
            "Folder of logs and checkpoints that name none; null: the current one."),
        .init(
            "activation_checkpointing", \.activationCheckpointing,
            "Make a transformer block's activations again in the backward pass instead of keeping them.",
            differs: "New."),
        .init(
            "gradient_wire", \.gradientWire,
            "Format in which gradients travel between processes; sums are made in f32.",
            differs: "New."),
        .init(
            "gradient_bucket_mib", \.gradientBucketMiB, .positive,
            "Size in MiB of the pieces in which gradients are sent during the backward pass.",
            differs: "DDP's `bucket_cap_mb`."),
        .init(
            "timeout", \.timeout, .positive, "Seconds after which a process that does not come ends the run.",
            differs: "New."),
        .init(
            "num_threads", \.numThreads, .ifPresent(.from(1, to: 4_096)),
            "Threads of the arithmetic in each process; null: its cores.",
            differs: "New."),
    ]

    static let ignored: [IgnoredOption] = [
        IgnoredOption(
            "min_epochs", silent: [.int(0), .int(1)], "training ends by its limits; EarlyStopping does not wait for it"),
        IgnoredOption(
            "min_steps", silent: [.int(0)], "training ends by its limits; EarlyStopping does not wait for it"),
        IgnoredOption("limit_predict_batches", silent: [.double(1)], "concerns `lam predict` only"),
        .refused(
            "overfit_batches", silent: [.double(0), .int(0)], "set limit_train_batches, on a dataset as small as wanted"
        ),
        IgnoredOption(
            "enable_model_summary", silent: [.bool(true), .bool(false)], "the start of a run names the sizes"),
        IgnoredOption("deterministic", silent: [.bool(true), .bool(false), .string("warn")], "runs are deterministic"),
        IgnoredOption("benchmark", silent: [.bool(true), .bool(false)], "no cuDNN in this build"),
        IgnoredOption("inference_mode", silent: [.bool(true), .bool(false)], "evaluation records no gradients"),
        IgnoredOption("use_distributed_sampler", silent: [.bool(true)], "ranks always read disjoint shards"),
        IgnoredOption("profiler", "no profiler in this build; see `lam bench`"),
        IgnoredOption("detect_anomaly", silent: [.bool(false)], "a loss that is not finite always stops the run"),
        IgnoredOption("barebones", silent: [.bool(false)], "turn logger and checkpoints off one by one"),
        IgnoredOption("plugins", "no plugins in this build"),
        IgnoredOption("sync_batchnorm", silent: [.bool(false)], "the model has no batch normalisation"),
        IgnoredOption("reload_dataloaders_every_n_epochs", silent: [.int(0)], "the stream runs on over epochs"),
        IgnoredOption("enable_autolog_hparams", silent: [.bool(true)], "hparams.yaml is always written"),
        IgnoredOption("model_registry", "checkpoints stay on disk"),
        IgnoredOption("replace_sampler_ddp", silent: [.bool(true)], "ranks always read disjoint shards"),
        IgnoredOption("gpus", "the same as accelerator: gpu; training on the CPU"),
        // Of files that Lightning 1.x saved.
        IgnoredOption("tpu_cores", "the same as accelerator: tpu; training on the CPU"),
        IgnoredOption("ipus", "no such devices in this build; training on the CPU"),
        IgnoredOption("num_processes", silent: [.int(1)], "set trainer.devices"),
        IgnoredOption("auto_select_gpus", silent: [.bool(false)], "no GPU backend in this build"),
        IgnoredOption("track_grad_norm", silent: [.int(-1), .double(-1)], "gradient norms are always logged"),
        IgnoredOption("amp_backend", silent: [.string("native")], "trainer.precision alone decides"),
        IgnoredOption("amp_level", "trainer.precision alone decides"),
        IgnoredOption("move_metrics_to_cpu", silent: [.bool(false)], "they are there"),
        IgnoredOption("multiple_trainloader_mode", "there is one stream of batches"),
        .refused("auto_lr_find", silent: [.bool(false)], "set model.optimizer.lr"),
        .refused("auto_scale_batch_size", silent: [.bool(false)], "set data.batch_size"),
        .refused("resume_from_checkpoint", "set ckpt_path"),
    ]
}
