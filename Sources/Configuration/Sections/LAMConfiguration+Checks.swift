import LAM

extension LAMConfiguration {
    /// Settles defaults that follow from other options, checks options against each other and notes what has no effect.
    mutating func resolve(in context: inout ConfigContext) throws {
        if context.locations["model.vision_encoder"] == nil,
            model.patchSize == VisionEncoderChoice.dinov2ViTB14.patchSize
        {
            model.visionEncoder = .dinov2ViTB14
        }
        resolveFamily(in: context)
        resolveWindows()
        resolveTextEncoder(in: &context)
        try resolveCallbacks(in: &context)
        try checkShapes(context)
        try checkLanguage(context)
        try checkBottleneck(context)
        try checkFamily(context)
        try checkViews(context)
        try checkSteps(context)
        try checkCheckpoints(context)
        noteHardware(in: &context)
        noteModel(in: &context)
    }

    /// UniVLA's stage 1 has no option for its T5: its files are known by DINOv2's patches and an RLDS mixture.
    private mutating func resolveTextEncoder(in context: inout ConfigContext) {
        guard context.locations["model.text_encoder"] == nil, model.stage == .stage1,
            model.patchSize == VisionEncoderChoice.dinov2ViTB14.patchSize, data.dataMix != nil
        else { return }
        model.textEncoder = .t5Base
        context.note(
            "model.text_encoder", model.textEncoder.rawValue,
            "the default of UniVLA's stage-1 files; set none to train without instructions")
    }

    /// Puts what two of Lightning's callbacks ask for into the options that mean the same.
    private mutating func resolveCallbacks(in context: inout ConfigContext) throws {
        for callback in trainer.callbacks.callbacks {
            switch callback {
            case .gradientAccumulation(let accumulation):
                let path = "trainer.accumulate_grad_batches"
                guard trainer.accumulateGradBatches == 1 else {
                    throw ConfigurationError.conflict(
                        path: path, at: context.location(of: path),
                        problem: "\(trainer.accumulateGradBatches), and a GradientAccumulationScheduler",
                        remedy: "keep one of them")
                }
                trainer.accumulateGradBatches = accumulation.scheduling.batches
            case .timer(let timer):
                let times = [trainer.maxTime, timer.duration].compactMap { $0 }
                trainer.maxTime = times.min { $0.seconds < $1.seconds }
            case .modelCheckpoint, .learningRateMonitor, .earlyStopping, .emaWeightAveraging: break
            }
        }
        trainer.callbacks.callbacks.removeAll {
            switch $0 {
            case .gradientAccumulation, .timer: true
            case .modelCheckpoint, .learningRateMonitor, .earlyStopping, .emaWeightAveraging: false
            }
        }
    }

    private func checkLanguage(_ context: ConfigContext) throws {
        guard model.stage == .stage2, model.textEncoder != .none else { return }
        throw ConfigurationError.conflict(
            path: "model.text_encoder", at: context.location(of: "model.text_encoder"),
            problem: "\(model.textEncoder.rawValue), but stage-2 reads no instructions",
            remedy: "set none or train stage-1")
    }

    /// What `levels` of scalar quantisation may come to; tables of code use have an entry for each code.
    private static let mostScalarCodes = 1 << 16

    private func checkBottleneck(_ context: ConfigContext) throws {
        let choice = model.bottleneck.choice
        let path = "model.bottleneck"
        if model.stage == .stage2, !choice.kind.hasCodes {
            throw ConfigurationError.conflict(
                path: path, at: context.location(of: path),
                problem:
                    "\(choice.kind.name), whose latents are continuous, but stage-2 sorts what happens into codes of "
                    + "two codebooks, one of which it takes from stage-1",
                remedy: "set one of " + BottleneckKind.all.filter(\.hasCodes).map(\.name).joined(separator: ", ")
                    + " or train stage-1")
        }
        if choice.kind == .named("fsq"), case .integers(let levels) = choice["levels"],
            levels.reduce(1.0, { $0 * Double($1) }) > Double(Self.mostScalarCodes)
        {
            let place = "\(path).init_args.levels"
            throw ConfigurationError.conflict(
                path: place, at: context.location(of: place),
                problem:
                    "\(levels.map(String.init).joined(separator: " x ")) are more than \(Self.mostScalarCodes) codes",
                remedy: "take fewer or lower levels")
        }
    }

    private func checkShapes(_ context: ConfigContext) throws {
        func conflict(_ path: String, because problem: String, remedy: String) -> ConfigurationError {
            .conflict(path: path, at: context.location(of: path), problem: problem, remedy: remedy)
        }
        guard model.modelDim.isMultiple(of: model.numHeads) else {
            throw conflict(
                "model.lam_model_dim", because: "\(model.modelDim) is no multiple of lam_num_heads (\(model.numHeads))",
                remedy: "change one of them")
        }
        guard data.stream.resolution.isMultiple(of: model.patchSize) else {
            throw conflict(
                "data.resolution",
                because: "\(data.stream.resolution) is no multiple of model.lam_patch_size (\(model.patchSize))",
                remedy: "change one of them")
        }
        if let patch = model.visionEncoder.patchSize, patch != model.patchSize {
            throw conflict(
                "model.lam_patch_size",
                because: "\(model.visionEncoder.rawValue) has patches of \(patch), got \(model.patchSize)",
                remedy: "set lam_patch_size to \(patch) or choose another vision_encoder")
        }
        if data.featureCache != nil, data.stream.imageAug {
            throw conflict(
                "data.feature_cache",
                because:
                    "data.image_aug is true, and a frame that is cropped and coloured anew each time has no features to keep",
                remedy: "set data.image_aug to false or leave feature_cache out")
        }
        if data.featureCache != nil, model.visionEncoder == .pixels {
            throw conflict(
                "data.feature_cache", because: "model.vision_encoder is pixels, whose features cost nothing to make",
                remedy: "leave feature_cache out")
        }
        if model.learningRateSchedule.minLearningRate > model.optimizer.lr {
            throw conflict(
                "model.lr_scheduler.min_lr",
                because:
                    "\(model.learningRateSchedule.minLearningRate) is above the learning rate (\(model.optimizer.lr))",
                remedy: "lower it")
        }
        if trainer.limitTrainBatches == .batches(0) || trainer.limitTrainBatches == .fraction(0) {
            throw conflict(
                "trainer.limit_train_batches", because: "an epoch of 0 batches trains nothing", remedy: "set 1 or more")
        }
        if case .batches(0) = trainer.valCheckInterval {
            throw conflict(
                "trainer.val_check_interval", because: "0 batches between validations", remedy: "set 1 or more")
        }
        if case .fraction(0) = trainer.valCheckInterval {
            throw conflict(
                "trainer.val_check_interval", because: "0.0 of an epoch between validations",
                remedy: "set more than 0.0")
        }
    }

    private func checkCheckpoints(_ context: ConfigContext) throws {
        guard !trainer.enableCheckpointing, !trainer.callbacks.checkpoints.isEmpty else { return }
        throw ConfigurationError.conflict(
            path: "trainer.enable_checkpointing", at: context.location(of: "trainer.enable_checkpointing"),
            problem: "false, but trainer.callbacks has a ModelCheckpoint", remedy: "remove one of them")
    }

    private func noteHardware(in context: inout ConfigContext) {
        if [.mps, .hpu].contains(trainer.accelerator) {
            context.note(
                "trainer.accelerator", trainer.accelerator.rawValue,
                "no such devices in this build, training on the CPU"
            )
        }
        // Variants such as ddp_find_unused_parameters_false are about PyTorch's own bookkeeping.
        let strategy = trainer.strategy.name
        if !["auto", "single_device"].contains(strategy), !strategy.hasPrefix("ddp") {
            context.note(
                "trainer.strategy", strategy,
                "runs as ddp: each process has all parameters; ddp_sharded splits the optimiser's state")
        }
        if trainer.precision == .mixed16 {
            context.note(
                "trainer.precision", trainer.precision.rawValue,
                "runs as bf16-mixed: CPUs have bf16 products, and bf16 needs no loss scaling")
        }
    }

    private func noteModel(in context: inout ConfigContext) {
        for (path, value) in [("model.log_interval", "\(model.logInterval)"), ("model.log_path", model.logPath)]
        where context.locations[path] != nil {
            context.note(
                path, value, "never read, as in the original; see trainer.log_every_n_steps and trainer.logger")
        }
        noteBottleneck(in: &context)
        if data.stream.dualViewAug, !data.stream.imageAug {
            context.note("data.dual_view_aug", "true", "no effect with image_aug false, where both views are the same")
        }
        if model.makeDataPair { context.note("model.make_data_pair", "true", "no such files are written") }
        if model.textEncoder == .none {
            let reason = "no effect with text_encoder none"
            if let weights = model.textEncoderWeights { context.note("model.text_encoder_weights", weights, reason) }
            if model.textMask != .aligned { context.note("model.text_mask", model.textMask.rawValue, reason) }
        }
        if model.visionEncoder.network != .dinov3, model.featureLayer != -1,
            context.locations["model.latent_layer_to_use"] != nil
        {
            context.note(
                "model.latent_layer_to_use", "\(model.featureLayer)",
                "no effect with vision_encoder \(model.visionEncoder.rawValue)")
        }
        if model.visionEncoder == .pixels, let weights = model.visionEncoderWeights {
            context.note("model.vision_encoder_weights", weights, "no effect with vision_encoder pixels")
        }
        if model.stage == .stage1, let path = model.stageOneCheckpoint {
            context.note("model.stage_one_ckpt", path, "no effect in stage-1")
        }
        if model.stage == .stage2, model.stageOneCheckpoint == nil {
            context.note("model.stage", "stage-2", "without stage_one_ckpt the frozen codebook is a random one")
        }
    }

    private func noteBottleneck(in context: inout ConfigContext) {
        let kind = model.bottleneck.choice.kind
        let unused: [(key: String, value: String, isUnused: Bool)] = [
            ("lam_num_latents", "\(model.numLatents)", !kind.hasCodebook && model.stage == .stage1),
            ("lam_latent_dim", "\(model.latentDim)", kind == .named("fsq") && model.stage == .stage1),
            ("vq_beta", "\(model.vqBeta)", !["vq", "ema"].contains(kind.name)),
            ("restart", model.restart.rawValue, !kind.hasCodebook),
        ]
        for (key, value, isUnused) in unused where isUnused {
            // The files that users start from write these options down whatever the bottleneck.
            guard case .argument = context.location(of: "model.\(key)") else { continue }
            context.note("model.\(key)", value, "no effect with bottleneck \(kind.name)")
        }
    }

    /// Checks the processes that are there against those that the configuration asks for.
    ///
    /// - Parameters:
    ///   - size, hosts: processes, and machines with different names.
    /// - Returns: a line for the user where fewer run than the configuration says, as nothing has started the others.
    /// - Throws: `ConfigurationError.conflict` where several run, but not so many.
    public func checkWorld(
        size: Int, hosts: Int, locate: (String) -> ConfigLocation = { _ in .schemaDefault }
    ) throws -> String? {
        guard let devices = trainer.devices.count else { return nil }
        let wanted = devices.multipliedReportingOverflow(by: trainer.numNodes)
        guard wanted.overflow || wanted.partialValue != size else { return nil }
        let asked =
            trainer.numNodes == 1
            ? "\(devices) processes" : "\(devices) processes on each of \(trainer.numNodes) machines"
        if size == 1 {
            return "trainer.devices: \(devices): \(asked) need mpirun -n \(wanted.partialValue) lam fit, or train.sh; "
                + "one process"
        }
        throw ConfigurationError.conflict(
            path: "trainer.devices", at: locate("trainer.devices"),
            problem: "\(asked), but \(size) run on \(hosts)",
            remedy: "start \(wanted.partialValue) with mpirun -n, or set devices to \(size / max(1, hosts))")
    }

    /// Checks that this build can train with the configuration, as far as this can be seen without touching data.
    ///
    /// Separate from parsing, so that files for other builds can be read, printed and converted.
    /// - Parameter locate: where an option was written, for the message.
    /// - Throws: `ConfigurationError.unavailable` or `.missingValue`.
    public func requireRunnable(locate: (String) -> ConfigLocation = { _ in .schemaDefault }) throws {
        if trainer.gradientClipAlgorithm != .norm, trainer.gradientClipVal != nil {
            throw ConfigurationError.unavailable(
                path: "trainer.gradient_clip_algorithm", at: locate("trainer.gradient_clip_algorithm"),
                got: trainer.gradientClipAlgorithm.rawValue, remedy: "use norm")
        }
        if data.stream.datasetMix.isEmpty, let mixture = data.dataMix {
            throw ConfigurationError.unavailable(
                path: "data.data_mix", at: locate("data.data_mix"), got: "RLDS mixtures (\(mixture)) cannot be read",
                remedy: "give the LeRobot datasets as data.dataset_mix: [[repo_id, weight], ...]")
        }
        if data.stream.datasetMix.isEmpty {
            throw ConfigurationError.missingValue(
                path: "data.dataset_mix", remedy: "give the datasets and their weights, [[repo_id, weight], ...]")
        }
    }
}
