import LAM

/// `model`: the latent action model, its loss, its codebook and its optimiser. Each property is the option of the same
/// name in `options`, which documents it.
public struct ModelConfiguration: ConfigSection, IgnoresOptions {
    public var imageChannels = 3
    public var modelDim = 512
    public var latentDim = 32
    public var numLatents = 8
    public var patchSize = 16
    public var encoderBlocks = 8
    public var decoderBlocks = 8
    public var numHeads = 8
    public var dropout = 0.0
    public var vqBeta = 0.25
    public var logInterval = 1000
    public var logPath = "log_imgs"
    public var taskName = "lam_openx"
    public var stage = TrainingStage.stage1
    public var familyName = ModelFamilies.all[0].name
    public var ffnFactor = 4
    public var queries = 1
    public var loss = ReconstructionLoss.l2
    public var featureLayer = -1
    public var maxStateDim = 0
    public var embodiments = 32
    public var stateLoss = StateLoss.l2
    public var stateWeight = 1.0
    public var stateKey = "observation.state"
    public var embodimentIDs = EmbodimentMap()
    public var modalMask = true
    public var addsState = false
    public var normalizesFeatures = true
    public var normalization = FeatureNormalization.ln
    public var decoderLastNorm = true
    public var labels = LabelSource.none
    public var labelWeight = 0.01
    public var labelShare = 1.0
    public var labelWidth = 32
    public var labelKey: String?
    public var reversalWeight = 0.0
    public var additivityWeight = 0.0
    public var bottleneck = BottleneckSetting()
    public var optimizer = AdamWConfiguration()
    public var makeDataPair = false
    public var stageOneCheckpoint: String?

    public var learningRateSchedule = LearningRateSchedule()
    public var visionEncoder = VisionEncoderChoice.dinov3ViTB16
    public var visionEncoderWeights: String?
    public var textEncoder = TextEncoder.none
    public var textEncoderWeights: String?
    public var textMask = TextMask.aligned
    public var checkpointFrozen = false
    public var usage = CodeUsage.occurrence
    public var restart = CodeRestart.encoder
    public var restartEveryNSteps = 100

    public init() {}

    public static let options = namedOptions + auxiliaryOptions + registryOptions

    /// Options that say how large a model is and what its tensors mean. Those that leave no trace in shapes would otherwise load
    /// without complaint, and give other latents; of the others a message names the option, and not the first tensor that
    /// differs.
    package var optionsOfMeaning: [String] { Self.options.filter { $0.decidesMeaning(self) }.map(\.key) }

    /// Whether latents are codes whose number and width the model's own options say.
    private var hasCodesOfItsOwn: Bool { bottleneck.choice.kind.hasCodes && bottleneck.choice.kind.name != "fsq" }

    private static let namedOptions: [ConfigOption<ModelConfiguration>] = [
        .init("image_channels", \.imageChannels, .only(3), "Colour channels of a frame."),
        .init(
            "lam_model_dim", \.modelDim, aliases: ["dim"], .from(1, to: 65_536),
            "Width of the transformer; a multiple of `lam_num_heads`."
        ).decidingMeaning(),
        .init(
            "lam_latent_dim", \.latentDim, aliases: ["code_dim"], .from(1, to: 65_536),
            "Width of one latent action and of a codebook row."
        ).decidingMeaning(where: { !$0.bottleneck.choice.kind.hasCodes || $0.hasCodesOfItsOwn }),
        .init(
            "lam_num_latents", \.numLatents, aliases: ["codebook_size"], .from(1, to: 1_048_576),
            "Rows of the codebook; in stage 2, of the controllable actions' codebook."
        ).decidingMeaning(where: \.hasCodesOfItsOwn),
        .init(
            "lam_patch_size", \.patchSize, aliases: ["patch_size"], .from(1, to: 8_192),
            "Side of a patch in pixels; divides `data.resolution`."
        ).decidingMeaning(where: { $0.visionEncoder == .pixels }),
        .init(
            "lam_enc_blocks", \.encoderBlocks, aliases: ["enc_layers"], .from(1, to: 4_096),
            "Transformer blocks of the encoder."
        ).decidingMeaning(),
        .init(
            "lam_dec_blocks", \.decoderBlocks, aliases: ["dec_layers"], .from(1, to: 4_096),
            "Transformer blocks of the decoder."
        ).decidingMeaning(),
        .init(
            "lam_num_heads", \.numHeads, aliases: ["num_heads"], .from(1, to: 4_096), "Attention heads per block."
        ).decidingMeaning(),
        .init(
            "ffn_expansion_factor", \.ffnFactor, .from(1, to: 64),
            "Family `lawam`: width of feed-forward layers in widths of the model.", differs: "New; LaWAM's."),
        .init(
            "num_queries", \.queries, .from(1, to: 256),
            "Family `lawam`: latents that the encoder reads off a pair; the decoder takes their mean.",
            differs: "New; LaWAM's."),
        .init(
            "latent_layer_to_use", \.featureLayer, .from(-64, to: -1),
            "The block of DINOv3 whose output is the features: -1 is the last one behind the final norm, -2 the last but one "
                + "without a norm, and so on; the default of family `lawam` is -2.",
            differs: "New; LaWAM's. The original has -1."
        ).decidingMeaning(),
        .init(
            "loss_type", \.loss, "Family `lawam`: how predicted features are compared with true ones.",
            differs: "New; LaWAM's. Another name is an error there `l2`."),
        .init(
            "max_state_dim", \.maxStateDim, .from(0, to: 4_096),
            "Family `lawam`: numbers of a robot's state, padded or cut to so many, whose change a head predicts from the "
                + "latent; 0 for a model without the head.", differs: "New; LaWAM's, where it is 32."),
        .init(
            "num_embodiments", \.embodiments, .from(1, to: 4_096),
            "Family `lawam`: kinds of robots with weights of their own in that head.", differs: "New; LaWAM's."),
        .init(
            "state_loss_type", \.stateLoss, "Family `lawam`: how changes of state are compared.",
            differs: "New; LaWAM's."),
        .init(
            "lambda_aux", \.stateWeight, .nonNegative, "Family `lawam`: weight of that loss.",
            differs: "New; LaWAM's."),
        .init(
            "state_key", \.stateKey,
            "Family `lawam`: the column of states; datasets without it do not count in that loss.", differs: "New."),
        .init(
            "embodiment_ids", \.embodimentIDs,
            "Family `lawam`: the kind of robot by what a dataset's name contains, the first match; the last kind for others, "
                + "0 for human video, whose states do not count.", differs: "New; LaWAM's code has a table."),
        .init(
            "enc_modal_mask", \.modalMask,
            "Family `lawam`: whether patches see patches alone, so that queries only read.",
            differs: "New; LaWAM's."
        ).decidingMeaning(),
        .init(
            "enc_add_state", \.addsState,
            "Family `lawam`: whether the encoder sees a token of each frame's state; latents then depend on states, and no LeRobot "
                + "policy can have the model.", differs: "New; LaWAM's."),
        .init(
            "norm_latents", \.normalizesFeatures,
            "Family `lawam`: whether features are normalised before the model sees them.", differs: "New; LaWAM's."
        ).decidingMeaning(),
        .init(
            "norm_latents_type", \.normalization,
            "Family `lawam`: how: each token by its mean and deviation (`ln`) or by its length (`l2`), or by running averages of "
                + "features that LaWAM never gathers (`bn`), which leaves them as they are but for a factor of 0.999995.",
            differs: "New; LaWAM's."
        ).decidingMeaning(),
        .init(
            "decoder_last_ln", \.decoderLastNorm,
            "Family `lawam`: whether a layer norm ends the decoder.", differs: "New; LaWAM's."
        ).decidingMeaning(),
        .init(
            "lam_dropout", \.dropout, aliases: ["dropout"],
            ValueRule(expected: "0.0, as this build has no dropout", typeDescription: "0.0") { $0 == 0 },
            "Dropout probability.", differs: "Only 0.0."),
        .init("vq_beta", \.vqBeta, .nonNegative, "Weight of the commitment loss."),
        .init(
            "log_interval", \.logInterval, .positive, "Kept for old files.",
            differs: "No effect; the original never reads it either."),
        .init(
            "log_path", \.logPath, "Kept for old files.", differs: "No effect; the original never reads it either."),
        .init(
            "task_name", \.taskName, "Name of the run in notes and checkpoints.",
            differs: "Opens no Weights & Biases run."),
        .init("stage", \.stage, "Task-agnostic (`stage-1`) or task-centric (`stage-2`) latent actions."),
        .init("optimizer", \.optimizer, "The optimiser."),
        .init(
            "lr_scheduler", \.learningRateSchedule, "The course of the learning rate.",
            differs: "New. The default, a constant rate, is the original's."),
        .init(
            "make_data_pair", \.makeDataPair, "Kept for old files.",
            differs: "No effect; it wrote the author's own files at the end of a test."),
        .path(
            "stage_one_ckpt", \.stageOneCheckpoint,
            "Stage-1 checkpoint that stage 2 takes its frozen codebook and `action_latent` from.",
            differs: "A missing file is an error, and the codebook may have other than 16 codes."),
        .init(
            "vision_encoder", \.visionEncoder,
            "What frames are turned into; where `lam_patch_size` is 14, the default is `dinov2-vitb14-reg`.",
            differs: "New; the original always loads DINOv3 ViT-B/16."),
        .path(
            "vision_encoder_weights", \.visionEncoderWeights,
            "Weights of the vision encoder: a file, a folder or a hub id; null: where its usual downloader keeps them.",
            differs: "New."),
        .init(
            "text_encoder", \.textEncoder,
            "What encodes the task instruction, which conditions stage 1. In a UniVLA file (stage 1, `lam_patch_size` "
                + "14 and `data.data_mix`) the default is `t5-base`.",
            differs: "New; UniVLA's stage 1 always loads T5, the original and stage 2 never do."),
        .path(
            "text_encoder_weights", \.textEncoderWeights,
            "Weights and tokenizer of the text encoder: a folder, a file or a hub id; null: the hub's cache.",
            differs: "New; UniVLA reads `./t5-base`."),
        .init(
            "checkpoint_frozen", \.checkpointFrozen, "Whether checkpoints contain the frozen encoders' weights.",
            differs: "The original's always do; the default here names them by a fingerprint."),
        .init(
            "text_mask", \.textMask,
            "Whose padding attention leaves out: that of the row's own sample, or as in the `original`.",
            differs: "UniVLA gives most rows of a batch another sample's mask."),
        .init(
            "usage", \.usage, "How code use is counted: every occurrence, or `original`.",
            differs: "The original counts a code once per sample and rank."),
        .init(
            "restart", \.restart,
            "What unused codes restart from: current encoder outputs, the `original` rule, `none`.",
            differs: "The original restarts at epoch ends only, from other codes of the book."),
        .init(
            "restart_every_n_steps", \.restartEveryNSteps, .positive,
            "Optimiser steps between restarts of unused codes.", differs: "New."),
    ]

    static let ignored = [
        // Written by Lightning into the configuration of a resumed run.
        IgnoredOption("_class_path", "classes are fixed here"),
        IgnoredOption("_instantiator", "classes are fixed here"),
        // LaWAM's.
        .refused(
            "vision_model_id", "set model.vision_encoder; of LaWAM's encoders only DINOv3's three sizes are known"),
        .refused("lambda_diversity", silent: [.int(0), .double(0)], "put it into the bottleneck's entropy weights"),
        .refused("multi_input", silent: [.bool(false)], "features are of one layer"),
        .refused("disable_vq", silent: [.bool(false)], "set model.bottleneck to ae"),
        .refused("num_frames", silent: [.int(2)], "set data.frames"),
        IgnoredOption("project", "opens no Weights & Biases run"),
        IgnoredOption("wandb_offline", silent: [.bool(true), .bool(false)], "opens no Weights & Biases run"),
        IgnoredOption("output_dir", "no such files are written"),
    ]

    /// The `hyper_parameters` of a checkpoint, under the original's names and then ours.
    public var hyperParameters: ConfigValue { configValue }
}
