/// `data`: the datasets, how frame pairs are drawn from them and how they are augmented. Each property is the option of
/// the same name in `options`, which documents it.
public struct DataConfiguration: ConfigSection, IgnoresOptions {
    public var root: String?
    public var datasetMix: [DatasetMixEntry] = []
    /// The name of an RLDS mixture, which cannot be read here; see `LAMConfiguration.requireRunnable()`.
    public var dataMix: String?
    public var batchSize = 64
    public var resolution = 224
    public var imageAug = true
    public var bufferSize = 1000
    public var seed = 42

    public var window = WindowSetting.auto
    public var padAtEnd = EndOfEpisode.drop
    public var augmentPair = PairAugmentation.shared
    public var crop = CropMode.square
    public var valFraction = 0.0
    public var imageKeys: [String] = []
    public var numWorkers = 0
    public var prefetch = 2

    public init() {}

    public static let options: [ConfigOption<DataConfiguration>] = [
        .init(
            "root", \.root, aliases: ["data_root"],
            "Folder with the local datasets, one folder per `repo_id`; null: the Hugging Face cache."),
        .init("dataset_mix", \.datasetMix, "The datasets and their sampling weights."),
        .init(
            "data_mix", \.dataMix, "Name of an RLDS mixture, as in UniVLA's files.",
            differs: "Parsed, but a run needs `dataset_mix` instead."),
        .init("batch_size", \.batchSize, .positive, "Frame pairs per batch and process."),
        .init(
            "resolution", \.resolution, .positive, "Side of a frame in pixels; a multiple of `model.lam_patch_size`."),
        .init("image_aug", \.imageAug, "Random crop and colour jitter."),
        .init(
            "buffer_size", \.bufferSize, aliases: ["shuffle_buffer_size"], .positive,
            "Samples in each dataset's shuffle buffer.", differs: "Costs little memory: no decoded frame is kept."),
        .init(
            "seed", \.seed, .nonNegative, "Seed of sampling order, windows and augmentation.",
            differs: "The original leaves windows and augmentation unseeded."),
        .init(
            "window", \.window, "Window of a frame pair: `auto` draws it per sample from frame rate and name.",
            differs: "The original draws it once per run, from dataset names only."),
        .init(
            "pad_at_end", \.padAtEnd, "Pairs reaching over an episode's end: left out, or clamped to its last frame.",
            differs: "The original clamps, to the next episode's first frame in most files."),
        .init(
            "augment_pair", \.augmentPair, "Whether both frames of a pair share one draw of the augmentation.",
            differs: "The original draws for each frame."),
        .init(
            "crop", \.crop, "Geometry of frames that are not square: a square crop, or the `original` squeeze.",
            differs: "The original squeezes frames to a square."),
        .init(
            "val_fraction", \.valFraction, .belowOne, "Share of each dataset's episodes held out for validation.",
            differs: "New; the original trains on all."),
        .init(
            "image_keys", \.imageKeys,
            "Cameras in the order of preference; empty: chosen by the dataset's name and features.",
            differs: "The original knows DROID's camera only."),
        .init(
            "num_workers", \.numWorkers, .nonNegative, "Decoder threads; 0: as many as there are cores to spare.",
            differs: "The original always uses none."),
        .init("prefetch", \.prefetch, .positive, "Batches made ahead.", differs: "New."),
    ]

    static let ignored: [IgnoredOption] = [
        IgnoredOption("num_frames", "pairs are drawn by data.window"),
        IgnoredOption("episodic", silent: [.bool(false)], "streams are shuffled over episodes"),
        IgnoredOption("action", "actions are not read by the latent action model"),
        IgnoredOption("train_shuffle", silent: [.bool(true)], "training data is always shuffled"),
        IgnoredOption("val_shuffle", silent: [.bool(false)], "validation data is never shuffled"),
        IgnoredOption("val_batch_size", "validation uses data.batch_size"),
        IgnoredOption("worker_init_fn", "workers take their seeds from data.seed"),
        IgnoredOption("collate_fn", "batches have one fixed form"),
        IgnoredOption("train_sampler", "sampling follows data.dataset_mix"),
        IgnoredOption("val_sampler", "sampling follows data.dataset_mix"),
        IgnoredOption("test_sampler", "sampling follows data.dataset_mix"),
        IgnoredOption("_class_path", "classes are fixed here"),
        IgnoredOption("_instantiator", "classes are fixed here"),
    ]

    /// The `datamodule_hyper_parameters` of a checkpoint.
    public var hyperParameters: ConfigValue { configValue }
}
